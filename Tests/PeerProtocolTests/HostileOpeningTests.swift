import Digests
import PeerProtocol
import SwarmTypes
import TestKit
import Testing

/// A peer that does the key exchange as it should, and then says what a test wants.
private struct Impostor {
    private let primitives = RealPrimitives()
    private let exponent = [UInt8](repeating: 5, count: 20)
    private(set) var secret: [UInt8] = []

    var key: [UInt8] { self.primitives.publicKey(exponent: self.exponent) ?? [] }

    mutating func read(_ outbox: [UInt8]) {
        self.secret =
            self.primitives.sharedSecret(exponent: self.exponent, with: Array(outbox.prefix(96))) ?? []
    }

    func hash(_ name: String, _ rest: [UInt8]) -> [UInt8] { self.primitives.sha1(Array(name.utf8) + rest) }

    /// What comes before the encrypted part of an offer for a torrent.
    func offerHead(_ torrent: TorrentID) -> [UInt8] {
        self.hash("req1", self.secret)
            + zip(self.hash("req2", torrent.bytes), self.hash("req3", self.secret)).map { $0 ^ $1 }
    }

    /// As the side of that name encrypts its first bytes.
    func encrypted(_ bytes: [UInt8], as side: String, _ torrent: TorrentID = sampleTorrent) -> [UInt8] {
        var bytes = bytes
        self.primitives.cipher(key: self.hash(side, self.secret + torrent.bytes))?.apply(&bytes)
        return bytes
    }
}

@Suite("Openings of hostile peers")
struct HostileOpeningTests {
    private static let ours = Handshake(infoHash: sampleTorrent, peerID: peer("a"))
    private static let theirs = Handshake(infoHash: sampleTorrent, peerID: peer("b"))

    private func listener(_ policy: EncryptionPolicy = .prefer) -> OpeningSide {
        var random = SplitMix64(seed: 7)
        var side = OpeningSide(listening: [Self.ours], policy)
        side.start(using: &random)
        return side
    }

    private func dialler(_ policy: EncryptionPolicy) -> OpeningSide {
        var random = SplitMix64(seed: 7)
        var side = OpeningSide(dialling: Self.ours, policy)
        side.start(using: &random)
        return side
    }

    private func expect(
        _ end: HandshakeAction, from side: OpeningSide, after bytes: [UInt8], _ comment: Comment,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var whole = side
        whole.receive(bytes[...])
        #expect(whole.end == end, comment, sourceLocation: sourceLocation)
    }

    /// The same also when every byte comes alone.
    private func expectByteByByte(
        _ end: HandshakeAction, from side: OpeningSide, after bytes: [UInt8], _ comment: Comment,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        self.expect(end, from: side, after: bytes, comment, sourceLocation: sourceLocation)
        var slow = side
        for index in bytes.indices { slow.receive(bytes[index...index]) }
        #expect(slow.end == end, comment, sourceLocation: sourceLocation)
    }

    @Test("What is not the protocol is refused at its first wrong byte")
    func otherProtocols() {
        for text in [
            "GET / HTTP/1.1\r\n", "SSH-2.0-x", "\u{13}BitTorrent protocoL", "\u{13}BitTorrent Protocol",
        ] {
            self.expectByteByByte(
                .failed(.badHandshake), from: self.listener(.off), after: Array(text.utf8), "\(text)")
            self.expectByteByByte(
                .failed(.badHandshake), from: self.dialler(.off), after: Array(text.utf8), "\(text)")
        }
    }

    @Test("A handshake for another torrent, or from ourselves, is refused")
    func wrongHandshakes() {
        let other = Handshake(infoHash: torrent(1), peerID: peer("b"))
        self.expectByteByByte(
            .failed(.wrongInfoHash), from: self.dialler(.off), after: other.bytes, "dialled")
        self.expectByteByByte(
            .failed(.notInTorrent), from: self.listener(), after: Array(other.bytes.prefix(48)), "listening")
        self.expectByteByByte(
            .failed(.ownConnection), from: self.dialler(.off), after: Self.ours.bytes, "dialled")
        self.expectByteByByte(
            .failed(.ownConnection), from: self.listener(), after: Self.ours.bytes, "listening")
        self.expectByteByByte(
            .failed(.encryptionRequired), from: self.listener(.require), after: Self.theirs.bytes, "plain")
    }

    @Test("Keys that would make the secret known to all are refused, on both sides")
    func keys() {
        let zero = [UInt8](repeating: 0, count: 96)
        let ones = [UInt8](repeating: 255, count: 96)
        for key in [zero, zero.dropLast() + [1], ones] {
            let reason = CloseReason.encryptionFailed(.keyExchange)
            self.expectByteByByte(.failed(reason), from: self.listener(), after: key, "listening")
            self.expectByteByByte(.failed(reason), from: self.dialler(.require), after: key, "dialled")
            self.expectByteByByte(
                .redialPlain(after: reason), from: self.dialler(.prefer), after: key, "dialled")
        }
    }

    @Test("The search for the other side's place ends behind 512 bytes of padding")
    func endlessPadding() {
        var impostor = Impostor()
        var side = self.listener()
        side.receive(impostor.key[...])
        impostor.read(side.outbox)
        let noise = [UInt8](repeating: 0x55, count: 10_000)
        let reason = CloseReason.encryptionFailed(.synchronisation)
        self.expect(.failed(reason), from: side, after: Array(noise.prefix(532)), "listening")
        self.expectByteByByte(.failed(reason), from: side, after: noise, "listening")
        var patient = side
        patient.receive(noise[..<531])
        #expect(patient.end == nil)
        // With as much as is allowed it goes on, with more it does not.
        let mark = impostor.hash("req1", impostor.secret)
        var longest = side
        longest.receive((noise[..<512] + mark)[...])
        #expect(longest.end == nil)
        self.expectByteByByte(.failed(reason), from: side, after: noise[..<513] + mark, "a byte too many")

        self.expectByteByByte(
            .failed(reason), from: self.dialler(.require), after: impostor.key + noise, "dialled")
        self.expectByteByByte(
            .redialPlain(after: reason), from: self.dialler(.prefer), after: impostor.key + noise, "dialled")
    }

    /// Big-endian.
    private func number(_ value: UInt32, bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }

    /// A listener that has found the other's place, and what makes an impostor's offer.
    private func offer(
        _ policy: EncryptionPolicy, verification: [UInt8] = [UInt8](repeating: 0, count: 8),
        provide: UInt32 = 3,
        padCount: UInt32 = 0, payload: [UInt8] = theirs.bytes, torrent: TorrentID = sampleTorrent
    ) -> (OpeningSide, [UInt8]) {
        var impostor = Impostor()
        var side = self.listener(policy)
        side.receive(impostor.key[...])
        impostor.read(side.outbox)
        var offer = verification + self.number(provide, bytes: 4) + self.number(padCount, bytes: 2)
        offer += [UInt8](repeating: 0, count: Int(padCount)) + self.number(UInt32(payload.count), bytes: 2)
        offer += payload
        return (side, impostor.offerHead(torrent) + impostor.encrypted(offer, as: "keyA", torrent))
    }

    @Test("An offer that is not one is refused")
    func offers() {
        let negotiation = HandshakeAction.failed(.encryptionFailed(.negotiation))
        let cases: [(String, (OpeningSide, [UInt8]), HandshakeAction)] = [
            ("not eight zeros", self.offer(.prefer, verification: [0, 0, 0, 0, 0, 0, 0, 1]), negotiation),
            ("offers nothing", self.offer(.prefer, provide: 0), negotiation),
            ("offers the unknown", self.offer(.prefer, provide: 0xFFFF_FFFC), negotiation),
            ("plain where RC4 is required", self.offer(.require, provide: 1), negotiation),
            ("long padding", self.offer(.prefer, padCount: 513), negotiation),
            ("another torrent", self.offer(.prefer, torrent: torrent(1)), .failed(.notInTorrent)),
            (
                "first payload is no handshake", self.offer(.prefer, payload: Array("GET / HTTP".utf8)),
                .failed(.badHandshake)
            ),
            (
                "a handshake for another torrent",
                self.offer(.prefer, payload: Handshake(infoHash: torrent(1), peerID: peer("b")).bytes),
                .failed(.wrongInfoHash)
            ),
            ("our own", self.offer(.prefer, payload: Self.ours.bytes), .failed(.ownConnection)),
        ]
        for (name, (side, bytes), end) in cases {
            self.expectByteByByte(end, from: side, after: bytes, "\(name)")
        }
        for (padCount, payload) in [(512, Self.theirs.bytes), (0, Self.theirs.bytes + [0, 0, 0, 0])]
            as [(UInt32, [UInt8])]
        {
            var (side, bytes) = self.offer(.require, padCount: padCount, payload: payload)
            side.receive(bytes[...])
            #expect(side.introduction?.encryption == .rc4)
            #expect(side.received.count == payload.count - 68)
        }
    }

    @Test("The first payload may be empty, or as long as its length can say")
    func firstPayloads() {
        var (side, bytes) = self.offer(.prefer, provide: 1, payload: [])
        side.receive(bytes[...])
        #expect(side.end == nil)
        side.receive(Self.theirs.bytes[...])
        #expect(side.introduction?.encryption == .plainAfterNegotiation)
        let long = Self.theirs.bytes + [UInt8](repeating: 9, count: 65535 - 68)
        for provide in [1, 2] as [UInt32] {
            var (side, bytes) = self.offer(.prefer, provide: provide, payload: long)
            side.receive(bytes[...])
            #expect(side.introduction?.leftover == Array(long.dropFirst(68)))
        }
    }

    @Test(
        "A choice that was not offered is refused",
        arguments: [(EncryptionPolicy.prefer, 0), (.prefer, 3), (.prefer, 4), (.require, 1), (.require, 0)]
            as [(EncryptionPolicy, UInt32)])
    func choices(policy: EncryptionPolicy, method: UInt32) {
        self.answer(policy, method: method, padCount: 0)
    }

    @Test("Long padding in an answer is refused")
    func answerPadding() { self.answer(.prefer, method: 2, padCount: 513) }

    private func answer(_ policy: EncryptionPolicy, method: UInt32, padCount: UInt32) {
        var impostor = Impostor()
        let side = self.dialler(policy)
        impostor.read(side.outbox)
        let clear =
            [UInt8](repeating: 0, count: 8) + self.number(method, bytes: 4) + self.number(padCount, bytes: 2)
        self.expectByteByByte(
            .failed(.encryptionFailed(.negotiation)), from: side,
            after: impostor.key + impostor.encrypted(clear, as: "keyB"), "method \(method)")
    }

    @Test("Without RC4 in the system a preference falls back, and a requirement says what is missing")
    func missing() {
        var random = SplitMix64(seed: 1)
        let ends: [EncryptionPolicy: HandshakeAction] = [
            .prefer: .redialPlain(after: .encryptionFailed(.keyExchange)),
            .require: .failed(.encryptionFailed(.keyExchange)),
        ]
        for (policy, end) in ends {
            var machine = HandshakeMachine(
                outgoing: Self.ours, policy: policy, primitives: MissingPrimitives())
            var actions: [HandshakeAction] = []
            machine.start(at: Instant(nanoseconds: 0), using: &random, into: &actions)
            #expect(actions == [end])
        }
    }

    @Test("Arbitrary bytes never trap, whatever the policy and the side", arguments: 0..<300)
    func arbitrary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for policy in EncryptionPolicy.allCases {
            var (base, bytes) =
                policy == .off ? (self.listener(.off), Self.theirs.bytes) : self.offer(policy, padCount: 5)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            bytes += [1, 2, 3]
            var slow = base
            base.receive(bytes[...])
            for index in bytes.indices { slow.receive(bytes[index...index]) }
            #expect(slow.end.map { $0.withoutLeftover } == base.end.map { $0.withoutLeftover })
            #expect(slow.outbox == base.outbox)
            #expect(slow.received == base.received)
        }
    }
}

extension HandshakeAction {
    /// How much came behind a handshake depends on how the stream was cut.
    fileprivate var withoutLeftover: HandshakeAction {
        guard case .established(var introduction) = self else { return self }
        introduction.leftover = []
        return .established(introduction)
    }
}
