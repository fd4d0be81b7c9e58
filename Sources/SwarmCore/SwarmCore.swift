public import PeerPolicy
import PeerProtocol
import PieceSelection
public import SwarmTypes

/// One torrent's swarm as a machine: events in, actions out, no clock, no socket, no disk and no payload.
///
/// Every event is a method that appends what is to be done to a list of the caller. After a connection was closed
/// by an action, or `leave` was called for it, its slot means nothing until `join` answers it again.
public struct SwarmCore: Sendable {
    public let id: TorrentID
    public let ownID: PeerID
    /// Known only with the metadata, of a magnet link.
    public var isPrivate: Bool
    public var settings: SwarmSettings

    /// Nil until the metadata of a magnet link is there.
    public private(set) var geometry: PieceGeometry?
    /// The pieces that are on disk and checked.
    public internal(set) var have: Bitfield
    /// Nil when nothing is wanted any more.
    var picker: PiecePicker?

    /// By slot; nil where nobody is.
    var peers: [SwarmPeer?] = []
    var freeSlots: [PeerSlot] = []
    /// Kept for its memory.
    var scratch: [Block] = []
    public internal(set) var peerCount = 0
    public var book: PeerBook
    var bans = SmartBan()
    var unchokedSlots = 4
    /// A slot may be free: a round is due as soon as the input is worked off.
    var wantsChokeRound = false

    /// Verified and payload only, since the torrent was added; for the tracker since `started`.
    public internal(set) var downloaded: Int64 = 0
    public internal(set) var uploaded: Int64 = 0
    /// Blocks that were thrown away because their piece failed, or because they came twice.
    public internal(set) var corrupt: Int64 = 0
    public internal(set) var redundant: Int64 = 0

    /// For displays and diagnosis.
    public internal(set) var blocksReceived = 0
    public internal(set) var requestsSent = 0
    public internal(set) var requestsTimedOut = 0
    public internal(set) var deepestPipeline = 0
    public internal(set) var lastBlockAt: Instant?
    public var lastUploadAt: Instant?

    var metadata = MetadataAssembler<PeerSlot>()
    /// Of the info dictionary, in bytes; nil until it is there.
    public var metadataSize: Int?
    var lastChokeRound: Instant
    var hasToldFinished = false

    /// A swarm that knows only its info-hash.
    public init(id: TorrentID, ownID: PeerID, isPrivate: Bool, settings: SwarmSettings, at now: Instant) {
        self.id = id
        self.ownID = ownID
        self.isPrivate = isPrivate
        self.settings = settings
        self.have = Bitfield(count: 0)
        self.book = PeerBook(at: now)
        self.lastChokeRound = now
    }

    /// Tells the machine what the torrent consists of. Called once, with what the disk has.
    /// - Parameters:
    ///   - arrived: blocks that the disk has of pieces that are not complete.
    ///   - wanted: the pieces to be fetched; nil for all.
    public mutating func begin(
        _ geometry: PieceGeometry, have: Bitfield, arrived: [Block] = [], wanted: Bitfield? = nil,
        at now: Instant,
        using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        precondition(self.geometry == nil && have.count == geometry.pieceCount, "begun twice, or by halves")
        self.geometry = geometry
        self.have = have
        let wanted = wanted ?? Bitfield(allSet: geometry.pieceCount)
        if wanted.hasAny(notIn: have) {
            self.picker = Self.picker(geometry, have, wanted, isSequential: self.settings.isSequential)
            for block in arrived { _ = self.picker?.restore(block) }
        } else {
            self.hasToldFinished = true
        }
        for slot in self.occupiedSlots {
            self.count(slot, at: now, into: &actions)
            // It may have unchoked us already, and say nothing more before it is asked.
            self.ask(slot, at: now, using: &random, into: &actions)
        }
    }

    /// Begins anew with what a check has found, while nobody is connected.
    public mutating func restart(
        have: Bitfield, arrived: [Block] = [], wanted: Bitfield? = nil, at now: Instant,
        using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        precondition(self.peerCount == 0, "the machine would not know what was promised to whom")
        guard let geometry = self.geometry else { return }
        self.geometry = nil
        self.picker = nil
        self.hasToldFinished = false
        self.bans = SmartBan()
        self.begin(
            geometry, have: have, arrived: arrived, wanted: wanted, at: now, using: &random, into: &actions)
    }

    private static func picker(
        _ geometry: PieceGeometry, _ have: Bitfield, _ wanted: Bitfield, isSequential: Bool
    ) -> PiecePicker {
        var picker = PiecePicker(
            geometry: geometry, have: have, order: isSequential ? .sequential : .rarestFirst)
        var start = 0
        while start < geometry.pieceCount {
            var end = start + 1
            while end < geometry.pieceCount, wanted[end] == wanted[start] { end += 1 }
            if !wanted[start] { picker.setPriority(.skip, ofPieces: start..<end) }
            start = end
        }
        return picker
    }

    /// What trackers are told differences of.
    public var totals: SwarmTotals {
        get {
            var totals = SwarmTotals()
            totals.downloaded = self.downloaded
            totals.uploaded = self.uploaded
            totals.corrupt = self.corrupt
            totals.redundant = self.redundant
            return totals
        }
        set {
            self.downloaded = newValue.downloaded
            self.uploaded = newValue.uploaded
            self.corrupt = newValue.corrupt
            self.redundant = newValue.redundant
        }
    }

    public var isComplete: Bool { self.geometry != nil && self.have.isComplete }
    /// Nothing that is wanted is missing.
    public var isFinished: Bool { self.geometry != nil && self.picker == nil }

    /// Of the whole torrent, whatever is wanted of it: what trackers are told (BEP 3).
    public var left: Int64 {
        guard let geometry = self.geometry else { return 0 }
        var left = geometry.totalLength - Int64(self.have.setCount) * Int64(geometry.pieceLength)
        let last = geometry.pieceCount - 1
        if self.have[last] { left += Int64(geometry.pieceLength - geometry.length(ofPiece: last)) }
        return left
    }

    /// Where somebody is.
    var occupiedSlots: [PeerSlot] {
        self.peers.indices.compactMap { self.peers[$0] == nil ? nil : PeerSlot(index: $0) }
    }
}
