import PeerPolicy
import SwarmTypes
import TestKit
import Testing

private func evidence(_ block: Int, _ sender: UInt32, _ digest: UInt64) -> SmartBan.Evidence {
    SmartBan.Evidence(block: block, sender: PeerKey(sender), digest: digest)
}

@Suite("The smart ban")
struct SmartBanTests {
    @Test("The only sender of a wrong piece is banned at once")
    func single() {
        var ban = SmartBan()
        #expect(
            ban.pieceFailed(0, blocks: [evidence(0, 1, 5), evidence(1, 1, 6)], isWhole: true) == [PeerKey(1)])
        #expect(!ban.wantsDigests(ofPiece: 0))
        // Blocks of an earlier run may have been the wrong ones.
        #expect(ban.pieceFailed(1, blocks: [evidence(0, 2, 5)], isWhole: false) == [])
        #expect(ban.pieceFailed(2, blocks: [], isWhole: false) == [])
    }

    @Test("When the piece is right, whoever sent another block is banned, and nobody else")
    func proof() {
        var ban = SmartBan()
        #expect(
            ban.pieceFailed(
                7, blocks: [evidence(0, 1, 10), evidence(1, 2, 99), evidence(2, 3, 12)], isWhole: true) == [])
        #expect(ban.wantsDigests(ofPiece: 7))
        #expect(ban.pieceVerified(7, digests: [10, 11, 12]) == [PeerKey(2)])
        #expect(!ban.wantsDigests(ofPiece: 7))
        #expect(ban.pieceVerified(7, digests: [0, 0, 0]) == [])
    }

    @Test("Who sends two versions of a block has lied once, and is banned without waiting")
    func contradiction() {
        var ban = SmartBan()
        _ = ban.pieceFailed(7, blocks: [evidence(0, 1, 10), evidence(1, 2, 11)], isWhole: true)
        #expect(
            ban.pieceFailed(7, blocks: [evidence(0, 1, 20), evidence(1, 2, 11)], isWhole: true) == [
                PeerKey(1)
            ])
    }

    @Test("Without room for evidence three failed pieces ban, and not two")
    func strikes() {
        var ban = SmartBan()
        let many = (0..<SmartBan.evidenceLimit).map { evidence($0, UInt32($0 % 2 + 100), UInt64($0)) }
        #expect(ban.pieceFailed(0, blocks: many, isWhole: true) == [])
        let blocks = [evidence(0, 1, 1), evidence(1, 2, 2)]
        let answers = (1...3).map { ban.pieceFailed($0, blocks: blocks, isWhole: true) }
        #expect(answers == [[], [], [PeerKey(1), PeerKey(2)]])
        _ = ban.pieceVerified(0, digests: Array(0..<UInt64(SmartBan.evidenceLimit)))
        #expect(ban.pieceFailed(4, blocks: blocks, isWhole: true) == [])
        #expect(ban.wantsDigests(ofPiece: 4))
    }

    @Test(
        "Liars are banned and nobody else, whoever shares pieces with them",
        arguments: 0..<200 as Range<UInt64>)
    func liars(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ban = SmartBan()
        let liars = Set((0..<3).map { PeerKey($0) })
        var peers = (0..<10).map { PeerKey($0) }
        var banned: Set<PeerKey> = []
        for piece in 0..<60 {
            for _ in 0..<20 {
                let blocks = (0..<8).map { block in
                    let sender = peers.randomElement(using: &random) ?? PeerKey(9)
                    let isWrong = liars.contains(sender) && Int.random(in: 0..<10, using: &random) < 3
                    return evidence(
                        block, sender.rawValue, isWrong ? random.next() : UInt64(piece * 8 + block))
                }
                let right = (0..<8).map { UInt64(piece * 8 + $0) }
                let isRight = blocks.map(\.digest) == right
                banned.formUnion(
                    isRight
                        ? ban.pieceVerified(piece, digests: right)
                        : ban.pieceFailed(piece, blocks: blocks, isWhole: true))
                peers.removeAll { banned.contains($0) }
                if isRight { break }
            }
        }
        #expect(banned == liars)
    }
}
