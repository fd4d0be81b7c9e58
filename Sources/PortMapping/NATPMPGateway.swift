import CNATPMP
import Glibc
import SwarmTypes

/// The default gateway, asked by NAT-PMP (RFC 6886). Blocks.
struct NATPMPGateway: ~Copyable {
    /// For an answer; the protocol's own doubling from a quarter of a second goes on for two minutes.
    private static let patienceMilliseconds = 2000

    private let state: UnsafeMutablePointer<natpmp_t>

    /// Nil when there is no gateway.
    init?() {
        let state = UnsafeMutablePointer<natpmp_t>.allocate(capacity: 1)
        state.initialize(to: natpmp_t())
        guard initnatpmp(state, 0, 0) == 0 else {
            // It may have made its socket before it found no gateway.
            if state.pointee.s > 0 { closenatpmp(state) }
            state.deallocate()
            return nil
        }
        self.state = state
    }

    deinit {
        closenatpmp(self.state)
        self.state.deallocate()
    }

    func map(_ port: UInt16, to external: UInt16, leaseSeconds: Int) -> MappingOutcome {
        guard sendpublicaddressrequest(self.state) >= 0 else { return .unavailable }
        let address: natpmpresp_t
        switch self.answer(NATPMP_RESPTYPE_PUBLICADDRESS) {
        case .success(let answer): address = answer
        case .failure(let outcome): return outcome
        }
        let lease = UInt32(clamping: leaseSeconds)
        guard sendnewportmappingrequest(self.state, NATPMP_PROTOCOL_TCP, port, external, lease) >= 0 else {
            return .unavailable
        }
        let mapping: natpmpresp_t
        switch self.answer(NATPMP_RESPTYPE_TCPPORTMAPPING) {
        case .success(let answer): mapping = answer
        case .failure(let outcome): return outcome
        }
        let given = mapping.pnu.newportmapping
        guard given.privateport == port, given.mappedpublicport != 0, given.lifetime > 0 else {
            return .refused("NAT-PMP: the router answers for another port")
        }
        let outside = UInt32(bigEndian: address.pnu.publicaddress.addr.s_addr)
        return .mapped(
            Mapping(
                external: PeerAddress(ipv4: outside, port: given.mappedpublicport), port: port,
                leaseSeconds: Double(given.lifetime), method: .natPMP))
    }

    func remove(_ port: UInt16) {
        guard sendnewportmappingrequest(self.state, NATPMP_PROTOCOL_TCP, port, 0, 0) >= 0 else { return }
        _ = self.answer(NATPMP_RESPTYPE_TCPPORTMAPPING)
    }

    private enum Answer {
        case success(natpmpresp_t)
        case failure(MappingOutcome)
    }

    /// Waits for it, and has the library ask again meanwhile.
    private func answer(_ kind: Int32) -> Answer {
        var waited = 0
        while waited < Self.patienceMilliseconds {
            var next = timeval()
            guard getnatpmprequesttimeout(self.state, &next) == 0 else { return .failure(.unavailable) }
            let milliseconds = max(1, min(1000, next.tv_sec * 1000 + next.tv_usec / 1000))
            var poll = pollfd(fd: self.state.pointee.s, events: Int16(POLLIN), revents: 0)
            Glibc.poll(&poll, 1, Int32(milliseconds))
            waited += milliseconds
            var response = natpmpresp_t()
            switch readnatpmpresponseorretry(self.state, &response) {
            case 0 where Int32(response.type) == kind: return .success(response)
            case 0, NATPMP_TRYAGAIN, NATPMP_ERR_WRONGPACKETSOURCE: continue
            case NATPMP_ERR_NOTAUTHORIZED:
                return .failure(.refused("NAT-PMP: port mapping is switched off in the router"))
            case NATPMP_ERR_NETWORKFAILURE: return .failure(.refused("NAT-PMP: the router has no connection"))
            case NATPMP_ERR_OUTOFRESOURCES: return .failure(.refused("NAT-PMP: the router has no room"))
            default: return .failure(.unavailable)
            }
        }
        return .failure(.unavailable)
    }
}
