public import SwarmTypes

/// How a router was asked.
public enum MappingMethod: String, Hashable, Sendable { case natPMP = "NAT-PMP", upnp = "UPnP" }

/// A TCP port of the router that leads to one of ours.
public struct Mapping: Hashable, Sendable {
    /// The router's address outside, and the port there, which need not be the one that was asked for.
    public var external: PeerAddress
    public var port: UInt16
    /// Zero is for ever.
    public var leaseSeconds: Double
    public var method: MappingMethod

    public init(external: PeerAddress, port: UInt16, leaseSeconds: Double, method: MappingMethod) {
        self.external = external
        self.port = port
        self.leaseSeconds = leaseSeconds
        self.method = method
    }
}

/// What came of asking.
public enum MappingOutcome: Hashable, Sendable {
    /// No router answers.
    case unavailable
    /// One answers and says no, in these words.
    case refused(String)
    case mapped(Mapping)
}

/// Who asks the router. Both block, for some seconds at most.
public struct RouterAccess: Sendable {
    /// - Parameter last: what was got last, to be renewed.
    public var map: @Sendable (_ port: UInt16, _ leaseSeconds: Int, _ last: Mapping?) -> MappingOutcome
    public var remove: @Sendable (Mapping) -> Void

    public init(
        map: @escaping @Sendable (UInt16, Int, Mapping?) -> MappingOutcome,
        remove: @escaping @Sendable (Mapping) -> Void
    ) {
        self.map = map
        self.remove = remove
    }

    /// The network's own router: by NAT-PMP, and where that is not spoken by UPnP.
    public static let system = RouterAccess(
        map: { port, lease, last in
            var first: MappingOutcome = .unavailable
            for method in last?.method == .upnp ? [MappingMethod.upnp, .natPMP] : [.natPMP, .upnp] {
                let external = last?.method == method ? last?.external.port : nil
                let outcome =
                    switch method {
                    case .natPMP: NATPMPGateway()?.map(port, to: external ?? port, leaseSeconds: lease)
                    case .upnp: UPnPGateway()?.map(port, to: external ?? port, leaseSeconds: lease)
                    }
                switch outcome {
                case .mapped?: return outcome ?? .unavailable
                case .refused?: first = outcome ?? first
                case .unavailable?, nil: break
                }
            }
            return first
        },
        remove: { mapping in
            switch mapping.method {
            case .natPMP: NATPMPGateway()?.remove(mapping.port)
            case .upnp: UPnPGateway()?.remove(mapping.external.port)
            }
        })
}
