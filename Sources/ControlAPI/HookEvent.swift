public import SwarmTypes

/// A client says that something happened to a torrent. A hint to look soon, nothing more: everything that
/// matters is then read from the client itself.
public struct HookEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case added
        case completed
        case deleted
        /// No event was named, or one that Weir does not know.
        case unspecified
    }

    public var kind: Kind
    /// Nil where the client has no v1 hash to tell (qBittorrent's `%I` is "-" for a v2-only torrent).
    public var torrent: TorrentID?

    public init(kind: Kind, torrent: TorrentID?) {
        self.kind = kind
        self.torrent = torrent
    }
}

public enum HookAcceptance: Hashable, Sendable {
    /// Noted; so many torrents are waiting to be looked at.
    case accepted(queueSize: Int)
    /// Nothing more can be noted now, and the event is lost unless it is sent again.
    case full(queueSize: Int)
}
