public import SwarmTypes

/// Decides which blocks to ask of whom, and knows of each block whether it is free, requested or received.
///
/// It lives while a torrent downloads; a seed needs none. Its owner tells it of every connected peer and of
/// everything that happens to a request. About 12 bytes a piece, and 8 a block of the pieces that are open.
///
/// The rules: rarest first among pieces not begun, chosen by lot among equals, the first four by lot among all;
/// a peer keeps to the piece it is at; pieces nobody works at any more come before new ones, and so do all
/// begun ones when there are more than 1.5 for each peer; a peer that fills a piece within 10 s has it for
/// itself while there is other work; when every block that can be had is requested, blocks of slow peers are
/// asked of others too (end game).
public struct PiecePicker: Sendable {
    struct Peer: Sendable {
        var isPresent = false
        /// Counted in `seedCount` instead of piece by piece; `have` is empty then.
        var hasAll = false
        /// Without bits until the peer has a piece.
        var have = Bitfield(count: 0)
        var key = PeerKey(.max)
        /// Of pieces it has and we want and lack. Not kept for one that has all.
        var interestingCount = 0
        /// Requests that it has not answered.
        var inFlight = 0
        /// Requests we took back that it may answer all the same.
        var lateCount = 0
        /// The piece it is at; -1 for none.
        var current: Int32 = -1
        /// What it delivers, as of the last pick.
        var bytesPerSecond: Int64 = 0
        var allowedFast: [UInt32] = []
        var suggested: [UInt32] = []
    }

    /// BEP 6 sends few of each; more than these are not remembered.
    static let maximumAllowedFast = 64
    static let maximumSuggested = 16
    /// So many pieces are chosen by lot, to have something to give soon.
    static let randomPieceCount = 4

    public let geometry: PieceGeometry
    public var order: PieceOrder

    var peers: [Peer] = []
    var peerCount = 0
    /// Of peers that have all.
    var seedCount = 0
    /// For each piece, of connected peers that have it and are not in `seedCount`.
    var availability: [UInt16]
    var priorities: [PiecePriority]
    /// Pieces that we want and that are not verified.
    var wantedMissing: Bitfield
    /// Of those, the pieces nobody was asked for.
    var closed: Bitfield
    public internal(set) var verified: Bitfield
    var rarity: RarityOrder
    var orderIsStale = true
    var open: OpenPieces
    /// Which pieces have a record in `open`.
    var isOpen: Bitfield

    /// `have` are the pieces that are verified already. All others are wanted, until `setPriority` says less.
    public init(geometry: PieceGeometry, have: Bitfield, order: PieceOrder = .rarestFirst) {
        precondition(have.count == geometry.pieceCount, "the bit field of another torrent")
        let count = geometry.pieceCount
        self.geometry = geometry
        self.order = order
        self.availability = [UInt16](repeating: 0, count: count)
        self.priorities = [PiecePriority](repeating: .normal, count: count)
        self.verified = have
        self.wantedMissing = Bitfield(allSet: count)
        self.closed = Bitfield(count: 0)
        self.rarity = RarityOrder(pieceCount: count)
        self.open = OpenPieces(blocksPerPiece: geometry.blockCount(ofPiece: 0))
        self.isOpen = Bitfield(count: count)
        var piece = have.first()
        while let found = piece {
            self.wantedMissing.clear(found)
            piece = have.first(from: found + 1)
        }
        self.closed = self.wantedMissing
    }

    /// Whether every piece that is wanted is verified.
    public var isFinished: Bool { self.wantedMissing.isEmpty }
    /// Pieces that are wanted and not verified.
    public var missingCount: Int { self.wantedMissing.setCount }
    /// Blocks that at least one peer was asked for.
    public var blocksInFlight: Int { self.open.requestedBlockCount }
    /// Pieces that are begun and lack a block.
    public var openPieceCount: Int { self.open.incompleteCount }

    public func priority(ofPiece piece: Int) -> PiecePriority { self.priorities[piece] }

    public func state(ofPiece piece: Int) -> PieceState {
        if self.verified[piece] { return .verified }
        guard self.isOpen[piece] else { return self.priorities[piece] == .skip ? .skipped : .missing }
        let record = self.open.records[Int(self.rarity.place[piece])]
        if record.receivedCount == record.blockCount { return .awaitingHash }
        return .open(
            received: Int(record.receivedCount), requested: Int(record.requestedCount),
            of: Int(record.blockCount))
    }

    /// A piece that two files share gets the higher of their priorities, which is the caller's work. What was
    /// asked for already still comes.
    public mutating func setPriority(_ priority: PiecePriority, ofPieces pieces: Range<Int>) {
        for piece in pieces where self.priorities[piece] != priority {
            self.priorities[piece] = priority
            guard !self.verified[piece] else { continue }
            if priority == .skip {
                self.wantedMissing.clear(piece)
                self.closed.clear(piece)
            } else {
                self.wantedMissing.set(piece)
                if !self.isOpen[piece] { self.closed.set(piece) }
            }
        }
        self.orderIsStale = true
        for slot in self.peers.indices where self.peers[slot].isPresent && !self.peers[slot].hasAll {
            guard self.peers[slot].have.count > 0 else { continue }
            self.peers[slot].interestingCount = self.peers[slot].have.commonCount(with: self.wantedMissing)
        }
    }

    /// A block that lies on disk from an earlier run, though its piece is not complete. Answers whether the piece
    /// is complete now.
    public mutating func restore(_ block: Block) -> Bool {
        guard let number = self.geometry.number(of: block), !self.verified[Int(block.piece)] else {
            return false
        }
        let record = self.record(ofPiece: Int(block.piece))
        guard self.open.cell(number, of: record).kind != .received else { return false }
        return self.open.receive(number, of: record, from: PeerKey(.max))
    }

    /// The record of an open piece; opens it when it is not.
    mutating func record(ofPiece piece: Int) -> Int {
        guard !self.isOpen[piece] else { return Int(self.rarity.place[piece]) }
        if self.closed.clear(piece), !self.orderIsStale {
            let number = self.rarity.classNumber(
                priority: self.priorities[piece], availability: self.availability[piece])
            self.rarity.remove(piece, fromClass: number)
        }
        self.isOpen.set(piece)
        let record = self.open.open(piece, blockCount: self.geometry.blockCount(ofPiece: piece))
        self.rarity.setRecord(record, ofPiece: piece)
        return record
    }

    mutating func refreshOrder() {
        guard self.orderIsStale else { return }
        self.rarity.rebuild(closed: self.closed, priorities: self.priorities, availability: self.availability)
        self.orderIsStale = false
    }

    func has(_ slot: Int, _ piece: Int) -> Bool {
        self.peers[slot].hasAll || self.peers[slot].have.count > 0 && self.peers[slot].have[piece]
    }
}
