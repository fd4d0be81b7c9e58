import PeerProtocol
import SwarmTypes
import TestKit
import Testing

@Suite("Opening a connection")
struct HandshakeTests {
    private let ours = Handshake(infoHash: sampleTorrent, peerID: peer("a"))
    private let theirs = Handshake(infoHash: sampleTorrent, peerID: peer("b"), supportsDHT: true)

    @Test("The bytes of a handshake are BEP 3's, with the bits of BEP 5, 6 and 10")
    func vector() throws {
        let expected =
            [19] + Array("BitTorrent protocol".utf8) + [0, 0, 0, 0, 0, 0x10, 0, 0x05]
            + [UInt8](repeating: 0xAA, count: 20) + Array("-WE0100-bbbbbbbbbbbb".utf8)
        #expect(self.theirs.bytes == expected)
        #expect(Handshake(bytes: expected) == self.theirs)
        #expect(Handshake(bytes: expected.dropLast()) == nil)
        #expect(Handshake(bytes: [18] + expected.dropFirst()) == nil)
        let bare = Handshake(
            infoHash: sampleTorrent, peerID: peer("b"), supportsFast: false, supportsExtensions: false)
        #expect(bare.bytes[20..<28].allSatisfy { $0 == 0 })
        #expect(Handshake(bytes: bare.bytes) == bare)
    }

    struct Case: Sendable {
        var dialler: EncryptionPolicy
        var listener: EncryptionPolicy
        var encryptsPayload = false
        /// Nil when they do not come together; then the ends of both.
        var encryption: ConnectionEncryption?
        var ends: [HandshakeAction] = []
    }

    static let cases: [Case] = [
        Case(dialler: .off, listener: .off, encryption: .plain),
        Case(dialler: .off, listener: .prefer, encryption: .plain),
        Case(
            dialler: .off, listener: .require,
            ends: [.failed(.closedBeforeHandshake), .failed(.encryptionRequired)]),
        Case(
            dialler: .prefer, listener: .off,
            ends: [.redialPlain(after: .closedBeforeHandshake), .failed(.badHandshake)]),
        Case(dialler: .prefer, listener: .prefer, encryption: .plainAfterNegotiation),
        Case(dialler: .prefer, listener: .prefer, encryptsPayload: true, encryption: .rc4),
        Case(dialler: .prefer, listener: .require, encryption: .rc4),
        Case(
            dialler: .require, listener: .off,
            ends: [.failed(.encryptionFailed(.keyExchange)), .failed(.badHandshake)]),
        Case(dialler: .require, listener: .prefer, encryption: .rc4),
        Case(dialler: .require, listener: .require, encryption: .rc4),
    ]

    private func check(_ test: Case, seed: UInt64, chunk: (Int) -> Int) {
        var random = SplitMix64(seed: seed)
        var dialler = OpeningSide(dialling: self.ours, test.dialler)
        var listener = OpeningSide(
            listening: [self.theirs], test.listener, encryptsPayload: test.encryptsPayload)
        connect(&dialler, &listener, using: &random, chunk: chunk)
        guard let encryption = test.encryption else {
            #expect([dialler.end, listener.end] == test.ends)
            return
        }
        #expect(dialler.introduction?.encryption == encryption)
        #expect(listener.introduction?.encryption == encryption)
        #expect(dialler.introduction?.peerID == peer("b"))
        #expect(listener.introduction?.peerID == peer("a"))
        #expect(listener.introduction?.infoHash == sampleTorrent)
        #expect(dialler.received == Array("welcome".utf8))
        #expect(listener.received == Array("hello".utf8))
        #expect(dialler.machine.nextDeadline == nil && listener.machine.nextDeadline == nil)
        #expect((dialler.machine.ciphers != nil) == (encryption == .rc4))
    }

    @Test("Every pair of policies comes to what it should", arguments: 0..<cases.count)
    func policies(index: Int) {
        for seed in 0..<40 as Range<UInt64> {
            self.check(Self.cases[index], seed: seed) { $0 }
        }
    }

    @Test("Byte by byte it comes to the same", arguments: 0..<cases.count)
    func byteByByte(index: Int) {
        for seed in 0..<4 as Range<UInt64> {
            self.check(Self.cases[index], seed: seed) { _ in 1 }
        }
    }

    @Test("Cut anywhere it comes to the same", arguments: 0..<200)
    func randomCuts(seed: UInt64) {
        var random = SplitMix64(seed: seed &+ 1000)
        for test in Self.cases {
            self.check(test, seed: seed) { Int.random(in: 1...$0, using: &random) }
        }
    }

    /// Of each of the first four deliveries, which are the two keys, the offer and the answer.
    @Test("Every single cut comes to the same", arguments: 1...4)
    func everyCut(delivery: Int) {
        for length in 1..<700 {
            var left = delivery
            self.check(Self.cases[5], seed: 3) { count in
                left -= 1
                return left == 0 ? length : count
            }
        }
    }

    @Test("Only what both sides announce is used")
    func features() {
        var random = SplitMix64(seed: 1)
        let bare = Handshake(
            infoHash: sampleTorrent, peerID: peer("b"), supportsFast: false, supportsDHT: true)
        for (fast, handshake) in [(false, bare), (true, self.theirs)] {
            var dialler = OpeningSide(dialling: self.ours, .off)
            var listener = OpeningSide(listening: [handshake], .off)
            connect(&dialler, &listener, using: &random)
            for side in [dialler, listener] {
                #expect(side.introduction?.supportsFast == fast)
                #expect(side.introduction?.supportsExtensions == true)
                #expect(side.introduction?.supportsDHT == false)
            }
        }
    }

    @Test("A plain handshake is answered before its peer id has arrived")
    func early() {
        var random = SplitMix64(seed: 1)
        var listener = OpeningSide(listening: [self.theirs], .prefer)
        listener.start(using: &random)
        listener.receive(self.ours.bytes[..<47])
        #expect(listener.outbox == [])
        listener.receive(self.ours.bytes[47..<48])
        #expect(listener.outbox == self.theirs.bytes)
        #expect(listener.end == nil)
        listener.receive(self.ours.bytes[48...])
        #expect(listener.introduction?.peerID == peer("a"))
    }

    @Test("An encrypted connection finds its torrent among many")
    func many() {
        var random = SplitMix64(seed: 1)
        let handshakes = (0...200 as ClosedRange<UInt8>).map {
            Handshake(infoHash: torrent($0), peerID: peer("b"))
        }
        var dialler = OpeningSide(dialling: self.ours, .require)
        var listener = OpeningSide(listening: handshakes, .prefer)
        connect(&dialler, &listener, using: &random)
        #expect(listener.introduction?.infoHash == sampleTorrent)
        listener.obfuscated.remove(sampleTorrent, RealPrimitives())
        var again = OpeningSide(dialling: self.ours, .require)
        var second = OpeningSide(listening: [], .prefer)
        second.obfuscated = listener.obfuscated
        connect(&again, &second, using: &random)
        #expect(second.end == .failed(.notInTorrent))
    }

    @Test("A connection that takes longer than ten seconds fails", arguments: EncryptionPolicy.allCases)
    func deadline(policy: EncryptionPolicy) {
        var random = SplitMix64(seed: 1)
        let ends: [EncryptionPolicy: HandshakeAction] = [
            .off: .failed(.handshakeTimeout), .allow: .failed(.handshakeTimeout),
            .prefer: .redialPlain(after: .handshakeTimeout),
            .require: .failed(.encryptionFailed(.keyExchange)),
        ]
        var dialler = OpeningSide(dialling: self.ours, policy)
        var listener = OpeningSide(listening: [self.theirs], policy)
        dialler.start(using: &random)
        listener.start(using: &random)
        listener.receive([19])
        for (side, end) in [(dialler, ends[policy]), (listener, .failed(.handshakeTimeout))] {
            var machine = side.machine
            var actions: [HandshakeAction] = []
            #expect(machine.nextDeadline == Instant(nanoseconds: 10_000_000_000))
            machine.timerFired(at: Instant(nanoseconds: 9_999_999_999), into: &actions)
            #expect(actions == [])
            machine.timerFired(at: Instant(nanoseconds: 10_000_000_000), into: &actions)
            #expect(actions == [end].compactMap(\.self))
            machine.timerFired(at: Instant(nanoseconds: 20_000_000_000), into: &actions)
            machine.disconnected(.closedByPeer, into: &actions)
            machine.received([1, 2, 3].span, into: &actions)
            #expect(actions.count == 1)
        }
    }
}
