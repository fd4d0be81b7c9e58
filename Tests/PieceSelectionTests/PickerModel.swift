import PieceSelection
import SwarmTypes
import TestKit
import Testing

/// What the picker should know, kept the plain way: every block in a dictionary.
struct PickerModel {
    enum Cell: Equatable {
        case free
        case requested([PeerSlot])
        case received
    }

    struct Peer {
        var have: Set<Int> = []
        var hasAll = false
        /// Given back, and may still come.
        var late = 0
    }

    let geometry: PieceGeometry
    var cells: [Block: Cell] = [:]
    var verified: Set<Int> = []
    var skipped: Set<Int> = []
    var peers: [PeerSlot: Peer] = [:]
    /// Pieces that were begun once and are not verified.
    var begun: Set<Int> = []

    init(geometry: PieceGeometry, have: Set<Int>) {
        self.geometry = geometry
        self.verified = have
        for piece in 0..<geometry.pieceCount {
            for block in self.blocks(of: piece) { self.cells[block] = .free }
        }
    }

    func blocks(of piece: Int) -> [Block] {
        (0..<self.geometry.blockCount(ofPiece: piece)).map { self.geometry.block($0, ofPiece: piece) }
    }

    func has(_ slot: PeerSlot, _ piece: Int) -> Bool {
        self.peers[slot].map { $0.hasAll || $0.have.contains(piece) } ?? false
    }

    func isWanted(_ piece: Int) -> Bool { !self.verified.contains(piece) && !self.skipped.contains(piece) }

    func requests(of slot: PeerSlot) -> [Block] {
        self.cells.compactMap { block, cell in
            if case .requested(let owners) = cell, owners.contains(slot) { block } else { nil }
        }.sorted { ($0.piece, $0.offset) < ($1.piece, $1.offset) }
    }

    /// No block is free that is wanted and that a connected peer has.
    var isEndGame: Bool {
        !self.cells.contains { block, cell in
            cell == .free && self.isWanted(Int(block.piece))
                && self.peers.keys.contains { self.has($0, Int(block.piece)) }
        }
    }

    mutating func picked(_ blocks: [Block], by slot: PeerSlot) {
        let isEndGame = self.isEndGame
        for block in blocks {
            #expect(self.isWanted(Int(block.piece)), "a piece that is not wanted was picked")
            #expect(self.has(slot, Int(block.piece)), "a piece was picked that the peer does not have")
            switch self.cells[block] {
            case .free: self.cells[block] = .requested([slot])
            case .requested(let owners):
                #expect(isEndGame || self.isEndGame, "a block was asked for twice before the end")
                #expect(!owners.contains(slot) && owners.count < 3)
                self.cells[block] = .requested(owners + [slot])
            case .received, nil: Issue.record("a block was picked that is here, or is none")
            }
            self.begun.insert(Int(block.piece))
        }
    }

    mutating func received(_ block: Block, from slot: PeerSlot) -> Receipt {
        let piece = Int(block.piece)
        guard let cell = self.cells[block] else { return .unrequested }
        var owners: [PeerSlot] = []
        if case .requested(let asked) = cell { owners = asked }
        if !owners.contains(slot) {
            guard self.peers[slot]?.late ?? 0 > 0 else { return .unrequested }
            self.peers[slot]?.late -= 1
            guard self.begun.contains(piece), cell != .received else { return .duplicate }
        }
        for other in owners where other != slot { self.peers[other]?.late += 1 }
        var cancel = Cancels()
        for other in owners where other != slot { cancel.append(other) }
        self.cells[block] = .received
        return .accepted(
            pieceIsComplete: self.blocks(of: piece).allSatisfy { self.cells[$0] == .received },
            cancel: cancel)
    }

    mutating func returned(_ block: Block, from slot: PeerSlot, mayStillCome: Bool) {
        guard case .requested(var owners) = self.cells[block], owners.contains(slot) else { return }
        owners.removeAll { $0 == slot }
        self.cells[block] = owners.isEmpty ? .free : .requested(owners)
        if mayStillCome { self.peers[slot]?.late += 1 }
    }

    mutating func verify(_ piece: Int) {
        self.dropOwners(of: piece)
        for block in self.blocks(of: piece) { self.cells[block] = .received }
        self.verified.insert(piece)
        self.begun.remove(piece)
    }

    mutating func fail(_ piece: Int) {
        self.dropOwners(of: piece)
        for block in self.blocks(of: piece) { self.cells[block] = .free }
    }

    private mutating func dropOwners(of piece: Int) {
        for block in self.blocks(of: piece) {
            guard case .requested(let owners) = self.cells[block] else { continue }
            for owner in owners { self.peers[owner]?.late += 1 }
        }
    }

    /// Everything the picker says must be what the dictionary says.
    func check(_ picker: PiecePicker) {
        var inFlight = 0
        for piece in 0..<self.geometry.pieceCount {
            let cells = self.blocks(of: piece).map { self.cells[$0] ?? .free }
            let received = cells.count { $0 == .received }
            let free = cells.count { $0 == .free }
            inFlight += cells.count - received - free
            let expected: PieceState =
                self.verified.contains(piece)
                ? .verified
                : !self.begun.contains(piece)
                    ? (self.skipped.contains(piece) ? .skipped : .missing)
                    : received == cells.count
                        ? .awaitingHash
                        : .open(received: received, requested: cells.count - received - free, of: cells.count)
            #expect(picker.state(ofPiece: piece) == expected)
            #expect(picker.copies(ofPiece: piece) == self.peers.keys.count { self.has($0, piece) })
        }
        #expect(picker.blocksInFlight == inFlight)
        #expect(picker.missingCount == (0..<self.geometry.pieceCount).count { self.isWanted($0) })
        for slot in self.peers.keys {
            let isInteresting = (0..<self.geometry.pieceCount).contains {
                self.isWanted($0) && self.has(slot, $0)
            }
            #expect(picker.isInteresting(slot) == isInteresting)
            #expect(picker.inFlight(of: slot) == self.requests(of: slot).count)
        }
    }
}
