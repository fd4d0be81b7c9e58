import PeerProtocol
import PieceSelection
import SwarmCore
import SwarmTypes
import TestKit
import Testing

@Suite("What is wanted, changed while a torrent runs")
struct WantingTests {
    private func finish(_ fixture: inout MachineFixture, pieces: Range<Int>) {
        for piece in pieces {
            fixture.core.pieceHashed(
                piece, isRight: true, digests: nil, at: fixture.now, using: &fixture.random,
                into: &fixture.actions)
        }
    }

    @Test("Pieces that are wanted no more are not asked for, and what is left may be all")
    func skipping() throws {
        var fixture = MachineFixture()
        fixture.core.want(
            [.normal, .skip, .skip, .skip], order: .rarestFirst, at: fixture.now, into: &fixture.actions)
        let seed = try fixture.joinSeed(1)
        fixture.wait(seconds: 2)
        let asked = Set(fixture.takeRequests(of: seed).map(\.piece))
        #expect(asked == [0])
        self.finish(&fixture, pieces: 0..<1)
        #expect(fixture.core.isFinished && !fixture.core.isComplete)
        #expect(fixture.actions.contains(.finished))
    }

    @Test("Wanting the rest asks the connected peers again, and finishes a second time")
    func again() throws {
        var fixture = MachineFixture()
        fixture.core.want(
            [.normal, .skip, .skip, .skip], order: .rarestFirst, at: fixture.now, into: &fixture.actions)
        self.finish(&fixture, pieces: 0..<1)
        #expect(fixture.core.isFinished)
        // A leech stays with a partial seed.
        let slot = try fixture.join(1).get()
        fixture.receive(.bitfield([0b1100_0000]), from: slot)
        fixture.receive(.unchoke, from: slot)
        fixture.actions = []
        fixture.core.want(
            [.normal, .normal, .high, .normal], order: .sequential, at: fixture.now, into: &fixture.actions)
        #expect(!fixture.core.isFinished && fixture.core.settings.isSequential)
        #expect(fixture.actions.contains(.send(slot, .interested)))
        fixture.core.flush(slot, at: fixture.now, using: &fixture.random, into: &fixture.actions)
        #expect(Set(fixture.takeRequests(of: slot).map(\.piece)) == [1])
        self.finish(&fixture, pieces: 1..<4)
        #expect(fixture.core.isComplete && fixture.actions.contains(.finished))
    }

    @Test("A selection of another torrent, or before the pieces are known, is passed over")
    func misfit() {
        var fixture = MachineFixture(isMagnet: true)
        fixture.core.want([.skip], order: .rarestFirst, at: fixture.now, into: &fixture.actions)
        fixture.begin()
        fixture.core.want([.skip], order: .rarestFirst, at: fixture.now, into: &fixture.actions)
        #expect(!fixture.core.isFinished && fixture.actions.isEmpty)
    }

    @Test(
        "Whatever is wanted when, it is finished exactly when nothing wanted is missing",
        arguments: 0..<200 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var fixture = MachineFixture()
        _ = try fixture.joinSeed(1)
        var wanted = [PiecePriority](repeating: .normal, count: 4)
        for _ in 0..<20 {
            if Bool.random(using: &random) {
                wanted = (0..<4).map { _ in PiecePriority.allCases.randomElement(using: &random) ?? .skip }
                fixture.core.want(
                    wanted, order: Bool.random(using: &random) ? .sequential : .rarestFirst, at: fixture.now,
                    into: &fixture.actions)
            } else {
                let piece = Int.random(in: 0..<4, using: &random)
                self.finish(&fixture, pieces: piece..<piece + 1)
            }
            fixture.wait(seconds: 1)
            let isMissing = (0..<4).contains { wanted[$0] != .skip && !fixture.core.have[$0] }
            #expect(fixture.core.isFinished == !isMissing)
        }
    }
}
