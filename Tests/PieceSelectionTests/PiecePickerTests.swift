import PieceSelection
import SwarmTypes
import TestKit
import Testing

private let blockLength = PieceGeometry.blockLength
private let fast: Int64 = 50_000_000

@Suite("A piece picker")
struct PiecePickerTests {
    @Test("After the first four pieces the rarest comes first", arguments: 0..<50 as Range<UInt64>)
    func rarestFirst(seed: UInt64) throws {
        let swarm = try PickerSwarm(
            pieces: 40, have: [0, 1, 2, 3],
            peers: [Array(0..<40), Array(0..<39), Array(0..<30), Array(0..<30)])
        #expect(swarm.blocks(0, 4, seed: seed).allSatisfy { $0.piece == 39 })
        #expect(swarm.blocks(1, 4, seed: seed).allSatisfy { (30..<39).contains($0.piece) })
    }

    @Test("Equally rare pieces are chosen by lot")
    func randomTies() throws {
        let first = try (0..<60 as Range<UInt64>).map { seed in
            let swarm = try PickerSwarm(pieces: 100, have: [0, 1, 2, 3], peers: [nil])
            return swarm.blocks(0, 1, seed: seed).first?.piece
        }
        #expect(Set(first).count > 30)
    }

    @Test("The first four pieces are chosen by lot among all, rare or not")
    func randomFirst() throws {
        let first = try (0..<60 as Range<UInt64>).map { seed in
            let swarm = try PickerSwarm(pieces: 100, peers: [Array(0..<100), Array(0..<90)])
            return swarm.blocks(0, 1, seed: seed).first?.piece ?? 99
        }
        #expect(first.count { $0 < 90 } > 40)
    }

    @Test("A peer keeps to its piece, block after block")
    func keepsToPiece() throws {
        let swarm = try PickerSwarm(pieces: 50, peers: [nil])
        var blocks: [Block] = []
        for step in 0..<4 { blocks += swarm.blocks(0, 1, seed: UInt64(step)) }
        #expect(Set(blocks.map(\.piece)).count == 1)
        #expect(blocks.map(\.offset) == [0, 1, 2, 3].map { $0 * blockLength })
        #expect(swarm.blocks(0, 1)[0].piece != blocks[0].piece)
    }

    @Test("A fast peer has its piece for itself, while there is other work")
    func exclusive() throws {
        let swarm = try PickerSwarm(pieces: 2, have: [], peers: [nil, nil])
        let first = swarm.blocks(0, 1, rate: fast)[0].piece
        let second = swarm.blocks(1, 4, rate: fast)
        #expect(second.count == 4 && second.allSatisfy { $0.piece != first })
        // No other work is left.
        #expect(swarm.blocks(1, 8, rate: fast).map(\.piece) == [first, first, first])
    }

    @Test("A piece at which nobody works any more comes before a new one")
    func orphans() throws {
        let swarm = try PickerSwarm(pieces: 50, peers: [nil, nil])
        let begun = swarm.blocks(0, 2, rate: fast)
        #expect(
            swarm.picker.received(begun[0], from: PeerSlot(0))
                == .accepted(pieceIsComplete: false, cancel: Cancels()))
        swarm.picker.peerLeft(PeerSlot(0))
        let next = swarm.blocks(1, 3, rate: fast)
        #expect(next.count == 3 && next.allSatisfy { $0.piece == begun[0].piece })
    }

    @Test("With more begun pieces than 1.5 for each peer, begun ones come before new ones")
    func partialFirst() throws {
        // For four peers six begun pieces are not too many, and seven are.
        for (pieces, isShared) in [([0, 1, 2, 3, 4, 5], false), ([0, 1, 2, 3, 4, 5, 6], true)] {
            let swarm = try PickerSwarm(
                pieces: 50, have: [40, 41, 42, 43], peers: [pieces, pieces, Array(0..<40), nil])
            for piece in pieces {
                // A piece of which one block is requested and another free.
                swarm.picker.suggest(PeerSlot(0), piece: piece)
                #expect(swarm.blocks(0, 4).count == 4)
                swarm.picker.returned(
                    swarm.picker.geometry.block(3, ofPiece: piece), from: PeerSlot(0), mayStillCome: false)
            }
            #expect(swarm.picker.openPieceCount == pieces.count)
            let next = swarm.blocks(2, 1)
            #expect(next.allSatisfy { pieces.contains(Int($0.piece)) } == isShared)
        }
    }

    @Test("A higher priority comes before a rarer piece, and a skipped one never")
    func priorities() throws {
        let swarm = try PickerSwarm(pieces: 20, have: [0, 1, 2, 3], peers: [Array(0..<20), Array(0..<10)])
        swarm.picker.setPriority(.high, ofPieces: 5..<6)
        swarm.picker.setPriority(.skip, ofPieces: 10..<19)
        swarm.picker.setPriority(.low, ofPieces: 19..<20)
        #expect(swarm.blocks(0, 4).allSatisfy { $0.piece == 5 })
        #expect(swarm.blocks(0, 20).allSatisfy { $0.piece < 10 && $0.piece != 5 })
        #expect(swarm.blocks(0, 100).suffix(4).allSatisfy { $0.piece == 19 })
        #expect(swarm.picker.state(ofPiece: 12) == .skipped)
        #expect(swarm.picker.missingCount == 7)
    }

    @Test("A peer interests us as long as it has a piece that we want and lack")
    func interest() throws {
        let swarm = try PickerSwarm(pieces: 4, have: [0], peers: [[0], [0, 1], nil, []])
        let slots = (0..<4).map { PeerSlot(UInt16($0)) }
        #expect(slots.map { swarm.picker.isInteresting($0) } == [false, true, true, false])
        swarm.picker.setPriority(.skip, ofPieces: 1..<2)
        #expect(slots.map { swarm.picker.isInteresting($0) } == [false, false, true, false])
        swarm.picker.setPriority(.low, ofPieces: 1..<2)
        swarm.picker.peerHas(slots[3], piece: 2)
        #expect(slots.map { swarm.picker.isInteresting($0) } == [false, true, true, true])
        for piece in 1...3 { swarm.picker.pieceVerified(piece) }
        #expect(slots.map { swarm.picker.isInteresting($0) } == [false, false, false, false])
        #expect(swarm.picker.isFinished)
        #expect(!swarm.picker.isInteresting(PeerSlot(60)))
    }

    @Test("In sequence the lowest piece comes first, whoever is at it")
    func sequential() throws {
        let swarm = try PickerSwarm(pieces: 20, have: [1], order: .sequential, peers: [nil, [2, 3], nil])
        #expect(swarm.blocks(0, 3, rate: fast).map(\.piece) == [0, 0, 0])
        #expect(swarm.blocks(2, 3, rate: fast).map(\.piece) == [0, 2, 2])
        #expect(swarm.blocks(1, 3).map(\.piece) == [2, 2, 3])
    }

    @Test("While choked only allowed-fast pieces are picked, and a suggested piece comes first later (BEP 6)")
    func fastExtension() throws {
        let swarm = try PickerSwarm(pieces: 30, have: [0], peers: [nil, [7]])
        #expect(swarm.blocks(0, 4, isChoked: true).isEmpty)
        for piece in [0, 7, 9] { swarm.picker.allowFast(PeerSlot(0), piece: piece) }
        swarm.picker.allowFast(PeerSlot(1), piece: 9)
        #expect(swarm.blocks(1, 9, isChoked: true).isEmpty)
        #expect(swarm.blocks(0, 9, isChoked: true).map(\.piece) == [7, 7, 7, 7, 9, 9, 9, 9])
        swarm.picker.suggest(PeerSlot(0), piece: 21)
        #expect(swarm.blocks(0, 2).map(\.piece) == [21, 21])
    }

    @Test("Allowed-fast and suggested pieces are remembered only to a bound")
    func bounds() throws {
        let swarm = try PickerSwarm(pieces: 5000, peers: [nil])
        for piece in 0..<5000 {
            swarm.picker.allowFast(PeerSlot(0), piece: piece)
            swarm.picker.suggest(PeerSlot(0), piece: piece)
        }
        #expect(swarm.blocks(0, 5000, isChoked: true).count == 4 * 64)
    }

    @Test("A piece that failed names its senders once each, and is fetched again by one peer alone")
    func failure() throws {
        let swarm = try PickerSwarm(pieces: 2, have: [1], peers: [nil, nil, nil])
        let halves = [swarm.blocks(0, 2), swarm.blocks(1, 2)]
        for (slot, blocks) in halves.enumerated() {
            for block in blocks { _ = swarm.picker.received(block, from: PeerSlot(UInt16(slot))) }
        }
        #expect(swarm.picker.sender(of: halves[1][0]) == PeerKey(101))
        swarm.picker.peerLeft(PeerSlot(1))
        #expect(swarm.picker.state(ofPiece: 0) == .awaitingHash)
        #expect(Set(swarm.picker.pieceFailed(0)) == [PeerKey(100), PeerKey(101)])
        #expect(swarm.picker.state(ofPiece: 0) == .open(received: 0, requested: 0, of: 4))
        #expect(swarm.blocks(2, 1).count == 1)
        #expect(swarm.blocks(0, 9).map(\.offset).count == 3, "the only work left is shared")
    }

    @Test("What is on disk from an earlier run is not fetched again, and has no sender")
    func restored() throws {
        let swarm = try PickerSwarm(pieces: 1, peers: [nil])
        for number in 0..<3 {
            #expect(!swarm.restore(swarm.picker.geometry.block(number, ofPiece: 0)))
        }
        #expect(swarm.blocks(0, 9).map(\.offset) == [3 * blockLength])
        #expect(swarm.restore(swarm.picker.geometry.block(3, ofPiece: 0)))
        #expect(swarm.picker.pieceFailed(0) == [])
    }

    @Test("Peers join, complete and leave, and the count of copies follows")
    func availability() throws {
        let swarm = try PickerSwarm(pieces: 4, have: [0], peers: [[0, 1], [1, 2]])
        #expect(
            swarm.picker.currentAvailability()
                == Availability(
                    copies: 0.75, unavailableCount: 1, unavailable: [3], singleCount: 1,
                    onlyHolder: PeerSlot(1)))
        swarm.picker.peerHas(PeerSlot(0), piece: 2)
        swarm.picker.peerHas(PeerSlot(0), piece: 3)
        #expect(swarm.picker.isSeed(PeerSlot(0)))
        #expect(
            swarm.picker.currentAvailability()
                == Availability(
                    copies: 1.5, unavailableCount: 0, unavailable: [], singleCount: 1, onlyHolder: PeerSlot(0)
                ))
        swarm.picker.peerLeft(PeerSlot(0))
        #expect(swarm.picker.currentAvailability(listing: 1).unavailableCount == 1)
        swarm.picker.peerLeft(PeerSlot(1))
        #expect(
            swarm.picker.currentAvailability(listing: 1)
                == Availability(copies: 0, unavailableCount: 3, unavailable: [1]))
    }
}
