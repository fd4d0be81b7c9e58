import SwarmCore
import SwarmTypes
import TestKit
import Testing

@Suite("Resuming")
struct ResumingTests {
    @Test("What the disk has of begun pieces is not asked for again", arguments: 0..<200 as Range<UInt64>)
    func arrived(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var machine = MachineFixture()
        let geometry = machine.geometry
        var have = Bitfield(count: 4)
        for piece in 0..<4 where Int.random(in: 0..<4, using: &random) == 0 { have.set(piece) }
        var arrived: Set<Block> = []
        for piece in 0..<4 where !have[piece] {
            // All blocks of a piece may be there before it was judged.
            for block in 0..<4 where Bool.random(using: &random) {
                arrived.insert(geometry.block(block, ofPiece: piece))
            }
        }
        machine.core.restart(
            have: have, arrived: Array(arrived), at: machine.now, using: &machine.random,
            into: &machine.actions)
        #expect(machine.core.left == Int64(4 - have.setCount) * 65_536)
        guard !have.isComplete else {
            #expect(machine.core.isFinished)
            return
        }
        let slot = try machine.joinSeed(1)
        let asked = Set(machine.takeRequests(of: slot))
        let missing = Set((0..<4).flatMap { piece in (0..<4).map { geometry.block($0, ofPiece: piece) } })
            .filter { !have[Int($0.piece)] }.subtracting(arrived)
        #expect(asked.isSubset(of: missing))
        #expect(asked.count == min(8, missing.count))
    }

    @Test("A seed that lost a piece begins anew as a download of it")
    func restart() throws {
        var machine = MachineFixture(isSeed: true)
        #expect(machine.core.isFinished)
        machine.core.pieceLost(2, at: machine.now, into: &machine.actions)
        machine.core.restart(
            have: machine.core.have, at: machine.now, using: &machine.random, into: &machine.actions)
        #expect(!machine.core.isFinished)
        let slot = try machine.joinSeed(1)
        #expect(machine.takeRequests(of: slot).map(\.piece) == [2, 2, 2, 2])
    }

    @Test("A seed that lost a piece and wants none stays one")
    func wantsNone() {
        var machine = MachineFixture(isSeed: true)
        machine.core.pieceLost(2, at: machine.now, into: &machine.actions)
        machine.core.restart(
            have: machine.core.have, wanted: machine.core.have, at: machine.now, using: &machine.random,
            into: &machine.actions)
        #expect(machine.core.isFinished && !machine.core.isComplete)
    }
}
