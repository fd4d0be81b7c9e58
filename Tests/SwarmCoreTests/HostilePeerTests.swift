import PeerPolicy
import PeerProtocol
import PieceSelection
import StallDiagnosis
import SwarmTypes
import Testing

@testable import SwarmCore

@Suite("What a peer may cost")
struct HostilePeerTests {
    @Test("Pieces named before their number is known are noted where they are kept, and not all of a flood")
    func claims() {
        func place(_ claim: PieceClaim) -> Int? {
            switch claim {
            case .bits(let bytes): bytes.withUnsafeBytes { $0.baseAddress.map { Int(bitPattern: $0) } }
            case .pieces(let pieces): pieces.capacity
            default: nil
            }
        }
        var claim = PieceClaim.bits([UInt8](repeating: 0, count: 1 << 20))
        let before = place(claim)
        for piece in 0..<100 as Range<UInt32> { claim.add(piece * 9) }
        #expect(place(claim) == before)
        guard case .bits(let bytes) = claim else { return #expect(Bool(false)) }
        #expect(bytes.prefix(113).reduce(0) { $0 + $1.nonzeroBitCount } == 100 && bytes[0] == 0x80)

        var pieces = PieceClaim.unsaid
        for piece in 0..<UInt32(PieceClaim.mostPieces + 10) { pieces.add(piece) }
        guard case .pieces(let list) = pieces else { return #expect(Bool(false)) }
        #expect(list.count == PieceClaim.mostPieces)
    }

    @Test("Who loses pieces again and again is cut")
    func losing() throws {
        var fixture = MachineFixture()
        let slot = try fixture.joinSeed(1)
        func lose(_ fixture: inout MachineFixture) {
            fixture.receive(.extended(id: 3, payload: [0, 0, 0, 1]), from: slot)
            fixture.receive(.have(1), from: slot)
        }
        for _ in 0..<SwarmCore.mostLostPieces { lose(&fixture) }
        #expect(fixture.core.peerCount == 1)
        lose(&fixture)
        #expect(fixture.core.peerCount == 0)
        #expect(fixture.actions.contains(.close(slot, .badExtensionMessage)))
    }

    @Test("Metadata is given to a peer some times over, and then refused")
    func metadata() throws {
        var fixture = MachineFixture(isSeed: true)
        fixture.core.metadataSize = 20_000
        let slot = try fixture.join(1).get()
        let hello = ExtensionHandshake(
            extensions: [.metadata], clientName: "x", listenPort: nil, yourAddress: nil,
            metadataSize: nil, isUploadOnly: false)
        fixture.receive(.extended(id: 0, payload: hello.payload), from: slot)
        fixture.actions = []
        let request = MetadataMessage.request(piece: 1).payload
        for _ in 0..<2 * SwarmCore.metadataRounds {
            fixture.receive(.extended(id: ExtensionKind.metadata.rawValue, payload: request), from: slot)
        }
        #expect(
            fixture.actions
                == Array(repeating: .giveMetadata(slot, piece: 1), count: 2 * SwarmCore.metadataRounds))
        fixture.actions = []
        fixture.receive(.extended(id: ExtensionKind.metadata.rawValue, payload: request), from: slot)
        let reject = MetadataMessage.reject(piece: 1).payload
        #expect(
            fixture.actions == [.send(slot, .extended(id: ExtensionKind.metadata.rawValue, payload: reject))])
    }
}

@Suite("A magnet link that turns out private")
struct BecomingPrivateTests {
    @Test("Peers that only peers have named are dropped and cut; those of its trackers stay (BEP 27)")
    func exchange() throws {
        var fixture = MachineFixture(isMagnet: true)
        let named = (1...3).map { MachineFixture.address(UInt8($0)) }
        for address in named {
            let key = fixture.core.book.add(address, from: .exchange, at: fixture.now)
            if address == named[0] { fixture.core.book.startedDialling(try #require(key)) }
        }
        _ = fixture.core.book.add(named[2], from: .tracker, at: fixture.now)
        let facts = PeerFacts(
            address: named[0], direction: .outgoing,
            id: try #require(PeerID(bytes: [UInt8](repeating: 7, count: 20))), supportsFast: true,
            supportsExtensions: true, isEncrypted: false)
        let slot = try fixture.core.join(facts, at: fixture.now, into: &fixture.actions).get()
        let incoming = try fixture.join(9).get()
        fixture.actions = []
        fixture.core.becomePrivate(at: fixture.now, into: &fixture.actions)
        #expect(fixture.actions == [.close(slot, .notInTorrent)] && fixture.core.isPrivate)
        #expect(fixture.core.peerCount == 1 && fixture.core.standing(of: incoming) != nil)
        #expect(named.map { fixture.core.book.key(of: $0) != nil } == [false, false, true])
    }
}

@Suite("A piece that is no longer wanted when its hash is known")
struct LateHashTests {
    @Test("It is had, and counts as fetched")
    func counted() throws {
        var fixture = MachineFixture()
        let slot = try fixture.joinSeed(1)
        _ = slot
        let skipAll = [PiecePriority](repeating: .skip, count: 4)
        fixture.core.want(skipAll, order: .rarestFirst, at: fixture.now, into: &fixture.actions)
        #expect(fixture.core.isFinished)
        let left = fixture.core.left
        fixture.core.pieceHashed(
            2, isRight: true, digests: nil, at: fixture.now, using: &fixture.random, into: &fixture.actions)
        #expect(fixture.core.have[2] && fixture.core.downloaded == 65536 && fixture.core.left == left - 65536)
        fixture.core.pieceHashed(
            3, isRight: false, digests: nil, at: fixture.now, using: &fixture.random, into: &fixture.actions)
        #expect(fixture.core.corrupt == 0)
    }
}
