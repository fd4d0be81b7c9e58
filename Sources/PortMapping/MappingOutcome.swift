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
    /// Where it was got by UPnP, so that nobody has to be searched for again.
    var control: UPnPControl?

    init(
        external: PeerAddress, port: UInt16, leaseSeconds: Double, method: MappingMethod,
        control: UPnPControl? = nil
    ) {
        self.control = control
        self.external = external
        self.port = port
        self.leaseSeconds = leaseSeconds
        self.method = method
    }
}

/// A router that is spoken to by UPnP, and our own address on its side.
struct UPnPControl: Hashable, Sendable {
    var url: String
    var service: String
    var ownAddress: String
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
                    case .upnp: mapByUPnP(port, external ?? port, lease, last?.control)
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
            case .upnp: mapping.control.map { UPnPGateway($0).remove(mapping.external.port) }
            }
        })
}

/// At the router that is known, and where that fails at one that is searched for.
private func mapByUPnP(
    _ port: UInt16, _ external: UInt16, _ lease: Int, _ known: UPnPControl?
) -> MappingOutcome? {
    if let known, case .mapped(let mapping) = UPnPGateway(known).map(port, to: external, leaseSeconds: lease)
    {
        return .mapped(mapping)
    }
    return UPnPGateway()?.map(port, to: external, leaseSeconds: lease)
}
