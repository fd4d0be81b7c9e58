public import PortMapping
public import SwarmTypes

/// How an engine runs.
public struct EngineSettings: Sendable {
    /// Where it takes connections; port 0 is the system's choice. Empty: it takes none.
    public var listenAddresses: [PeerAddress] = []
    /// Whether a router is asked to let peers in.
    public var mapsPort = false
    public var router = RouterAccess.system
    public var encryption = EncryptionPolicy.allow
    /// Of all torrents together.
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    /// Peers of torrents that are not private tell each other of peers (BEP 11).
    public var exchangesPeers = true
    public var maximumConnections = 500
    public var maximumPeersPerTorrent = 60
    /// Of payload that waits for the disk.
    public var writeBufferBytes = 16 << 20
    public var maximumOpenFiles = 256
    public var diskThreads = 2
    public var clientText = "Weir"
    /// Trackers and web servers are told it; private trackers admit clients by it.
    public var userAgent = "Weir"

    /// A complete torrent sleeps when so long nobody was connected, if its metainfo can be had again.
    public var idleSeconds = 45.0

    public init() {}
}
