import EventIO
import PortMapping
import StallDiagnosis
import SwarmTypes

/// The port that the network's router keeps open for us.
extension TorrentEngine {
    /// Asks the router, where there is one: not when only this machine can reach us, nor when the world reaches us directly.
    func startMapping() {
        guard self.settings.mapsPort, self.mapper == nil, let port = self.listeningPort,
            self.listeners.contains(where: { $0.socket.address.scope != .loopback }), isBehindRouter()
        else { return }
        do throws(SystemCallFailure) {
            self.mapper = try PortMapper(port: port, loop: self.loop, router: self.settings.router) {
                [weak self] outcome in
                self?.assumeIsolated { $0.mapping = outcome }
            }
        } catch {
            self.mapping = .refused(error.description)
        }
    }

    /// Calls `body` when the router has let go of the port, or after two seconds.
    func stopMapping(_ body: @escaping @Sendable () -> Void) {
        guard let mapper = self.mapper else { return body() }
        mapper.stop { [weak self] in
            self?.assumeIsolated { $0.mapper = nil }
            body()
        }
    }

    /// The port that trackers and peers are told: the router's, which may be another than ours. At the end, `stopped` names
    /// the one that `started` had.
    var announcedPort: UInt16? {
        if case .mapped(let mapping)? = self.mapping { return mapping.external.port }
        return self.listeningPort ?? self.lastPort
    }
}

/// Whether packets to the world leave from an address that the world cannot answer.
func isBehindRouter() -> Bool {
    // An address for documentation (RFC 5737): the routing table is asked, and nothing is sent.
    guard let own = ownAddress(towards: PeerAddress(ipv4: 0xC633_6401, port: 9)) else { return false }
    return own.scope == .privateNetwork || own.scope == .sharedNetwork
}

extension StallDiagnosis.PortMapping {
    /// Nil: nobody was asked, or the answer is still to come.
    init(_ outcome: MappingOutcome?) {
        self =
            switch outcome {
            case nil: .off
            case .unavailable: .unavailable
            case .refused(let words): .failed(words)
            case .mapped(let mapping): .mapped(external: mapping.external, leaseSeconds: mapping.leaseSeconds)
            }
    }
}
