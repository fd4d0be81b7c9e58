/// How a swarm behaves. The defaults are the table of `Documentation/Architecture.md`.
public struct SwarmSettings: Hashable, Sendable {
    /// Connected peers of this torrent.
    public var maximumPeers = 60
    /// What a peer may have asked of us and not got; beyond it, requests are rejected.
    public var requestQueueLimit = 1000
    /// After so many requests that make no sense the peer is cut.
    public var maximumBadRequests = 300
    public var keepAliveSeconds = 90.0
    public var inactivitySeconds = 180.0
    public var chokeRoundSeconds = 10.0
    /// Requests that cross our choke on the way are no misdeed for so long.
    public var chokeGraceSeconds = 2.0
    /// Peers that may download at once; nil for as many as the uplink feeds.
    public var uploadSlots: Int?
    public var isSequential = false
    /// Peers tell each other of peers (BEP 11), unless the torrent is private.
    public var exchangesPeers = true
    /// Our own port, told to peers whom we dialled (BEP 10's `p`).
    public var listeningPort: UInt16?
    public var clientText = "Weir"

    public init() {}
}
