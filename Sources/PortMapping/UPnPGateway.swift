import CMiniUPnPc
import SwarmTypes

/// The network's router, found and asked by UPnP. Blocks.
struct UPnPGateway: ~Copyable {
    private enum ErrorCode {
        static let conflict: Int32 = 718
        static let samePortRequired: Int32 = 724
        static let onlyPermanent: Int32 = 725
    }

    /// Of milliseconds for routers to answer the search.
    private static let searchMilliseconds: Int32 = 2000
    /// Other ports that are tried when somebody has the wanted one.
    private static let otherPorts = 3

    private let urls: UnsafeMutablePointer<UPNPUrls>
    private let data: UnsafeMutablePointer<IGDdatas>
    private let ownAddress: String

    /// Nil when no router answers.
    init?() {
        let urls = UnsafeMutablePointer<UPNPUrls>.allocate(capacity: 1)
        urls.initialize(to: UPNPUrls())
        let data = UnsafeMutablePointer<IGDdatas>.allocate(capacity: 1)
        data.initialize(to: IGDdatas())
        var error: Int32 = 0
        let devices = upnpDiscover(Self.searchMilliseconds, nil, nil, 0, 0, 2, &error)
        defer { freeUPNPDevlist(devices) }
        var address = [CChar](repeating: 0, count: 64)
        // 1 is a router with a connection, 2 one that says it has none: it may be wrong, and takes mappings all the same.
        let kind = devices == nil ? 0 : weir_upnp_find(devices, urls, data, &address, 64)
        guard kind == 1 || kind == 2, Self.isNear(urls.pointee.controlURL) else {
            if kind != 0 { FreeUPNPUrls(urls) }
            urls.deallocate()
            data.deallocate()
            return nil
        }
        self.urls = urls
        self.data = data
        self.ownAddress = Self.text(address)
    }

    deinit {
        FreeUPNPUrls(self.urls)
        self.urls.deallocate()
        self.data.deallocate()
    }

    func map(_ port: UInt16, to external: UInt16, leaseSeconds: Int) -> MappingOutcome {
        var (outside, lease, code) = (external, leaseSeconds, Int32(0))
        for _ in 0...(Self.otherPorts + 1) {
            code = UPNP_AddPortMapping(
                self.urls.pointee.controlURL, weir_upnp_service(self.data), "\(outside)", "\(port)",
                self.ownAddress,
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
            self.urls.pointee.controlURL, weir_upnp_service(self.data), "\(external)", "TCP", nil)
    }

    private func mapped(_ port: UInt16, _ external: UInt16, _ lease: Int) -> MappingOutcome {
        // The library writes 16 bytes at most.
        var text = [CChar](repeating: 0, count: 64)
        let code = UPNP_GetExternalIPAddress(
            self.urls.pointee.controlURL, weir_upnp_service(self.data), &text)
        let host = Self.text(text)
        let address = code == UPNPCOMMAND_SUCCESS ? PeerAddress(host: host, port: external) : nil
        return .mapped(
            Mapping(
                external: address ?? PeerAddress(ipv4: 0, port: external), port: port,
                leaseSeconds: Double(lease),
                method: .upnp))
    }

    /// Whoever answers the search may name any address as the router's: it is to be one of a local network.
    private static func isNear(_ url: UnsafePointer<CChar>?) -> Bool {
        guard let url else { return false }
        let text = String(cString: url)
        guard text.hasPrefix("http://") else { return false }
        let authority = text.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" }
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
