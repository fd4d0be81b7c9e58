import PieceSelection
import SwarmTypes
import TestKit
import Testing

@Suite("The end game")
struct EndGameTests {
    @Test("Nothing is asked for twice while a block is free")
    func strict() throws {
        let swarm = try PickerSwarm(pieces: 1, blocksPerPiece: 8, peers: [nil, nil])
        let first = swarm.blocks(0, 7, rate: 1000)
        let second = swarm.blocks(1, 1, rate: 1_000_000)
        #expect(Set(first + second).count == 8)
        let third = swarm.blocks(1, 8, rate: 1_000_000)
        #expect(!third.isEmpty && Set(third).isSubset(of: first))
    }

    @Test("An idle peer takes blocks from the end of a slower one's queue, at most three owners each")
    func owners() throws {
        let swarm = try PickerSwarm(pieces: 1, blocksPerPiece: 8, peers: [nil, nil, nil, nil, nil])
        let all = swarm.blocks(0, 8, rate: 1000)
        let copies = [
            swarm.blocks(1, 3, rate: 1000), swarm.blocks(2, 8, rate: 1000), swarm.blocks(3, 8, rate: 1000),
        ]
        #expect(copies[0] == Array(all.suffix(3).reversed()))
        #expect(Array(copies[1].prefix(5)) == Array(all.prefix(5).reversed()))
        #expect(copies[1].count == 8 && copies[2].count == 5)
        #expect(swarm.blocks(4, 8, rate: 1000).isEmpty)
        #expect(swarm.picker.blocksInFlight == 8)
    }

    @Test("A busy peer takes none from one that is as fast")
    func equals() throws {
        let swarm = try PickerSwarm(pieces: 1, blocksPerPiece: 8, peers: [nil, nil])
        #expect(swarm.blocks(0, 4, rate: 1_000_000).count == 4)
        #expect(swarm.blocks(1, 8, rate: 1_000_000).count == 4)
        #expect(swarm.blocks(1, 8, rate: 1_000_000).isEmpty)
    }

    @Test("The first to send a block wins, the others are told, and what they still send is a duplicate")
    func cancels() throws {
        let swarm = try PickerSwarm(pieces: 1, blocksPerPiece: 8, peers: [nil, nil, nil, nil])
        let all = swarm.blocks(0, 8, rate: 1000)
        for slot in 1...2 as ClosedRange<UInt16> { #expect(swarm.blocks(slot, 8, rate: 1000).count == 8) }
        #expect(
            swarm.picker.received(all[0], from: PeerSlot(1))
                == .accepted(pieceIsComplete: false, cancel: Cancels(0, 2)))
        #expect(swarm.picker.received(all[0], from: PeerSlot(0)) == .duplicate)
        #expect(swarm.picker.received(all[0], from: PeerSlot(2)) == .duplicate)
        #expect(swarm.picker.received(all[0], from: PeerSlot(1)) == .unrequested)
        #expect(swarm.picker.received(all[1], from: PeerSlot(3)) == .unrequested)
        #expect(swarm.picker.inFlight(of: PeerSlot(0)) == 7)
    }

    @Test("Pieces that nobody has do not keep the end game from beginning")
    func unavailablePieces() throws {
        let swarm = try PickerSwarm(pieces: 3, blocksPerPiece: 1, peers: [[1], [1]])
        #expect(!swarm.isEndGame())
        #expect(swarm.blocks(0, 9, rate: 0).count == 1)
        #expect(swarm.isEndGame())
        #expect(swarm.blocks(1, 9, rate: 0).count == 1)
        swarm.picker.peerHas(PeerSlot(1), piece: 2)
        #expect(!swarm.isEndGame())
    }

    @Test("A block that timed out is accepted when it comes late, and only once")
    func lateBlocks() throws {
        let swarm = try PickerSwarm(pieces: 1, blocksPerPiece: 8, peers: [nil, nil])
        let block = swarm.blocks(0, 1, rate: 0)[0]
        swarm.picker.returned(block, from: PeerSlot(0), mayStillCome: true)
        #expect(swarm.blocks(1, 1, rate: 0) == [block])
        #expect(
            swarm.picker.received(block, from: PeerSlot(0))
                == .accepted(pieceIsComplete: false, cancel: Cancels(1)))
        #expect(swarm.picker.received(block, from: PeerSlot(1)) == .duplicate)
        #expect(swarm.picker.received(block, from: PeerSlot(0)) == .unrequested)
        let rejected = swarm.blocks(0, 1, rate: 0)[0]
        swarm.picker.returned(rejected, from: PeerSlot(0), mayStillCome: false)
        #expect(swarm.picker.received(rejected, from: PeerSlot(0)) == .unrequested)
    }
}
