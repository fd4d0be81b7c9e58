public import SwarmTypes

/// What a torrent is, has moved and lacks, as of now.
public struct AnnounceFacts: Hashable, Sendable {
    public var torrent: TorrentID
    public var peerID: PeerID
    public var port: UInt16
    /// Constant for the session.
    public var key: UInt32
    public var totals: TransferTotals
    /// Bytes missing of the whole torrent, selected or not. Nil as long as only its hash is known.
    public var left: UInt64?
    public var wantsPeers: Bool
    /// Incomplete and yet not downloading any more (BEP 21).
    public var isPartialSeed: Bool

    public init(
        torrent: TorrentID, peerID: PeerID, port: UInt16, key: UInt32, totals: TransferTotals = .init(),
        left: UInt64?, wantsPeers: Bool = true, isPartialSeed: Bool = false
    ) {
        self.torrent = torrent
        self.peerID = peerID
        self.port = port
        self.key = key
        self.totals = totals
        self.left = left
        self.wantsPeers = wantsPeers
        self.isPartialSeed = isPartialSeed
    }
}

/// Payload bytes of a torrent, never less than before: from any origin, for only differences are told.
public struct TransferTotals: Hashable, Sendable {
    public var uploaded: UInt64
    /// Without corrupt and redundant bytes.
    public var downloaded: UInt64
    /// Failed their hash.
    public var corrupt: UInt64
    /// Came although we had them.
    public var redundant: UInt64

    public init(uploaded: UInt64 = 0, downloaded: UInt64 = 0, corrupt: UInt64 = 0, redundant: UInt64 = 0) {
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.corrupt = corrupt
        self.redundant = redundant
    }

    func since(_ start: TransferTotals) -> TransferTotals {
        func difference(_ path: KeyPath<TransferTotals, UInt64>) -> UInt64 {
            self[keyPath: path] > start[keyPath: path] ? self[keyPath: path] - start[keyPath: path] : 0
        }
        return TransferTotals(
            uploaded: difference(\.uploaded), downloaded: difference(\.downloaded),
            corrupt: difference(\.corrupt), redundant: difference(\.redundant))
    }
}

/// The order in which announces that wait get their turn.
public enum AnnouncePriority: UInt8, Hashable, Sendable, CaseIterable {
    /// `started`: without it no peers come.
    case new
    /// `stopped` and `completed`: they count for people's accounts.
    case ending
    case interval

    init(_ event: AnnounceEvent) {
        self =
            switch event {
            case .started: .new
            case .stopped, .completed: .ending
            case .none, .paused: .interval
            }
    }
}

/// One announce that is due. What becomes of it must be told to the schedule by its `id`.
public struct AnnounceOrder: Equatable, Sendable {
    public struct ID: Hashable, Sendable {
        let number: UInt64
    }

    public let id: ID
    public let url: TrackerURL
    public let request: AnnounceRequest

    public var priority: AnnouncePriority { AnnouncePriority(self.request.event) }
}
