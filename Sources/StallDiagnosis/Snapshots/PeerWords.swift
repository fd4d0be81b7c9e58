/// Where the address of a peer came from.
public enum PeerSource: String, Hashable, Sendable, CaseIterable {
    case tracker
    case peerExchange = "peer_exchange"
    case dht
    case localDiscovery = "local_discovery"
    /// `--peer`, or a magnet's `x.pe`.
    case byHand = "by_hand"
    case incoming
    /// Kept from the last run.
    case resumed
}

public enum ConnectionDirection: String, Hashable, Sendable, CaseIterable {
    case outgoing, incoming
}

public enum PeerTransport: String, Hashable, Sendable, CaseIterable {
    case tcp
    /// TCP with Message Stream Encryption.
    case encrypted
    case utp
}

/// How far it got with a peer. Each stage includes the ones before it.
public enum PeerStage: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Its address is known.
    case known
    /// It waits for a place among the connections.
    case queued
    case dialling
    /// The transport is there, the handshake is not.
    case connected
    case handshaken
    /// It told what it has.
    case bitfield
    /// We told that we want something of it.
    case interested
    /// It has unchoked us.
    case unchoked
    /// Payload went one way or the other.
    case transferring

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    public var code: String { String(describing: self) }
}

/// How bad it is, as the product tells it to people.
public enum Severity: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Part of every healthy swarm: nothing to do.
    case expected
    /// Not wrong yet; worth a second look when it stays.
    case watch
    /// Needs somebody to act, or will not end by itself.
    case problem

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    public var code: String { String(describing: self) }
}
