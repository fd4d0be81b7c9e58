import CMiniUPnPc
import SwarmTypes

/// The network's router, found and asked by UPnP. Blocks.
struct UPnPGateway {
    private enum ErrorCode {
        static let conflict: Int32 = 718
        static let onlyPermanent: Int32 = 725
    }

    /// Of milliseconds for routers to answer the search.
    private static let searchMilliseconds: Int32 = 2000
    /// Other ports that are tried when somebody has the wanted one.
    private static let otherPorts = 3

    private let control: UPnPControl

    init(_ control: UPnPControl) { self.control = control }

    /// Searches for it. Nil when no router answers.
    init?() {
        var error: Int32 = 0
        let devices = upnpDiscover(Self.searchMilliseconds, nil, nil, 0, 0, 2, &error)
        defer { freeUPNPDevlist(devices) }
        guard devices != nil else { return nil }
        var urls = UPNPUrls()
        var data = IGDdatas()
        var address = [CChar](repeating: 0, count: 64)
        let kind = weir_upnp_find(devices, &urls, &data, &address, 64)
        defer { if kind != 0 { FreeUPNPUrls(&urls) } }
        // 1 is a router with a connection, 2 one that says it has none: it may be wrong, and takes mappings all the same.
        guard kind == 1 || kind == 2, let url = urls.controlURL.map({ String(cString: $0) }), Self.isNear(url)
        else { return nil }
        self.control = UPnPControl(
            url: url, service: String(cString: weir_upnp_service(&data)), ownAddress: Self.text(address))
    }

    func map(_ port: UInt16, to external: UInt16, leaseSeconds: Int) -> MappingOutcome {
        var (outside, lease, code) = (external, leaseSeconds, Int32(0))
        for _ in 0...(Self.otherPorts + 1) {
            code = UPNP_AddPortMapping(
                self.control.url, self.control.service, "\(outside)", "\(port)",
                self.control.ownAddress,
                "Weir", "TCP", nil, "\(lease)")
            switch code {
            case UPNPCOMMAND_SUCCESS: return self.mapped(port, outside, lease)
            case ErrorCode.onlyPermanent where lease != 0: lease = 0
            case ErrorCode.conflict: outside = UInt16.random(in: 49152...65535)
            default: return .refused("UPnP: \(Self.words(code))")
            }
        }
        return .refused("UPnP: \(Self.words(code))")
    }

    func remove(_ external: UInt16) {
        _ = UPNP_DeletePortMapping(
            self.control.url, self.control.service, "\(external)", "TCP", nil)
    }

    private func mapped(_ port: UInt16, _ external: UInt16, _ lease: Int) -> MappingOutcome {
        // The library writes 16 bytes at most.
        var text = [CChar](repeating: 0, count: 64)
        let code = UPNP_GetExternalIPAddress(
            self.control.url, self.control.service, &text)
        let host = Self.text(text)
        let address = code == UPNPCOMMAND_SUCCESS ? PeerAddress(host: host, port: external) : nil
        return .mapped(
            Mapping(
                external: address ?? PeerAddress(ipv4: 0, port: external), port: port,
                leaseSeconds: Double(lease),
                method: .upnp, control: self.control))
    }

    /// Whoever answers the search may name any address as the router's: it is to be one of a local network.
    private static func isNear(_ url: String) -> Bool {
        guard url.hasPrefix("http://") else { return false }
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" }
        let address = PeerAddress(String(authority)) ?? PeerAddress(host: String(authority), port: 80)
        return [.privateNetwork, .linkLocal].contains(address?.scope)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func words(_ code: Int32) -> String {
        strupnperror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
