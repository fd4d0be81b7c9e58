public import SwarmTypes

/// Where an address came from; one may have come from several.
public struct PeerSources: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let tracker = PeerSources(rawValue: 1)
    public static let exchange = PeerSources(rawValue: 2)
    public static let dht = PeerSources(rawValue: 4)
    /// It connected to us.
    public static let incoming = PeerSources(rawValue: 8)
    /// A magnet link's `x.pe` (BEP 9).
    public static let magnet = PeerSources(rawValue: 16)
    /// Named by the user.
    public static let manual = PeerSources(rawValue: 32)
    /// From an earlier run.
    public static let resumed = PeerSources(rawValue: 64)
}

/// What a `PeerBook` knows of an address.
public struct KnownPeer: Hashable, Sendable {
    public enum Stage: Hashable, Sendable {
        /// Not dialled before this time.
        case idle(until: Instant)
        case dialling
        case connected
        /// It dialled us, and where it listens is not known.
        case unreachable
        case banned
        /// The address is our own.
        case ourselves
    }

    public var key: PeerKey
    public var address: PeerAddress
    public var sources: PeerSources
    public var stage: Stage
    /// Connections in a row that failed.
    public var failureCount: Int
    /// Why the last connection ended or was not made.
    public var lastReason: CloseReason?
}

/// How long to leave an address alone after so many failures in a row.
enum BackOff {
    /// In seconds.
    private static let ladder: [Double] = [0, 10, 120, 900, 1800, 3600, 7200]
    /// A peer that was useful is dialled again soon.
    static let afterUse = 5.0

    static func seconds(failures: Int, isUnreachable: Bool) -> Double {
        Self.ladder[min(max(0, failures) + (isUnreachable ? 2 : 0), Self.ladder.count - 1)]
    }
}

/// What an ended connection says about its address.
enum Aftermath: Hashable {
    /// The address had no part in it.
    case notItsFault
    case failure(isUnreachable: Bool)
    /// No use to dial it for long, though it did nothing wrong.
    case pointless
    case ourselves
    case banned

    init(_ reason: CloseReason) {
        self =
            switch reason {
            case .refused, .unreachable, .connectTimeout: .failure(isUnreachable: true)
            case .localFailure, .tooManyConnections, .torrentStopped, .torrentRemoved,
                .shutDown:
                .notItsFault
            case .ownConnection: .ourselves
            case .banned, .corruptData: .banned
            case .bothSeeds, .wrongInfoHash, .notInTorrent, .duplicateConnection: .pointless
            default: .failure(isUnreachable: false)
            }
    }
}
