import PeerProtocol
import SwarmTypes
import Testing

/// One encrypted conversation, calculated with Python's `pow` and `hashlib` and an RC4 of a dozen lines: the dialler's
/// exponent is twenty times 1, the listener's twenty times 2, and both choose RC4.
private enum Transcript {
    static let diallerKey = bytes(
        "d0e3956c8bb7401546dd5f47415fec488545a032debe8a9705aff32021c9ace338096db3b46ab61bd5dced30a7f7963a"
            + "b0757540bd866106adbd811151f6fdbf4209b3bde658e0079aac8cd96313a29c2d63ff789e0ac4e0d60f9d1b0b387720"
            + "0101")
    static let listenerKey = bytes(
        "2cbb4686366f1a543bfe0a9b60b4c3d71f3e5297cb6da16bc1badd0ecbd306b49b7481972da55fe160ae98f565ecd976"
            + "0619cf96f0a70ab361b66f15394b087f5890d91d57a11b4673b932ee5ff24fa494b6645494d4eb85fc8548933d189bf2"
            + "02020202")
    static let diallerOffer = bytes(
        "0a6d483c3bc61484a210fa0f37d99062fd5694836c6816e45dd786ccc916483dbf61bf2eac1d7b9b29f82066c2916234"
            + "d39543fe33eba2316b1b16a455377e79bb70cb0683e6115ef17dc63b2ab9de7a06ea3a42fb9513ba35d693b4b6dc3a30"
            + "38ff0254f7cfabf0150f4813e2b5bcc6caa91f081f33761b2948d1b7c2d5")
    static let listenerAnswer = bytes(
        "4e1a0ab34843e1098da98681cbf63a56b584af48cddd85b3737835e892d527ab7cf48b5bdfa6bcb5c76bb4ee611e05dd"
            + "ad8e47749db5ad88d41aceadfe98a2ba73e09322cc1504aa06e51a734bc5b8a288f9527569c9")
    static let diallerMessage = bytes(
        "4f6f145595")
    static let listenerMessage = bytes(
        "da27e03268")

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// The same byte again and again.
private struct ConstantChance: RandomNumberGenerator {
    let byte: UInt64

    mutating func next() -> UInt64 { self.byte * 0x0101_0101_0101_0101 }
}

@Suite("Message stream encryption against another implementation")
struct EncryptionTranscriptTests {
    @Test("The side that dials says what the transcript says")
    func dialler() {
        var side = OpeningSide(
            dialling: Handshake(infoHash: sampleTorrent, peerID: peer("a")), .prefer,
            greeting: "\0\0\0\u{1}\u{E}")
        var chance = ConstantChance(byte: 1)
        side.start(using: &chance)
        #expect(side.outbox == Transcript.diallerKey)
        side.outbox = []
        side.receive(Transcript.listenerKey[...])
        #expect(side.outbox == Transcript.diallerOffer)
        side.outbox = []
        side.receive((Transcript.listenerAnswer + Transcript.listenerMessage)[...])
        #expect(side.introduction?.encryption == .rc4)
        #expect(side.introduction?.peerID == peer("b"))
        #expect(side.received == [0, 0, 0, 1, 15])
        #expect(side.outbox == Transcript.diallerMessage)
    }

    @Test("The side that is dialled says what the transcript says")
    func listener() {
        var side = OpeningSide(
            listening: [Handshake(infoHash: sampleTorrent, peerID: peer("b"))], .prefer,
            encryptsPayload: true, greeting: "\0\0\0\u{1}\u{F}")
        var chance = ConstantChance(byte: 2)
        side.start(using: &chance)
        side.receive(Transcript.diallerKey[...])
        #expect(side.outbox == Transcript.listenerKey)
        side.outbox = []
        side.receive((Transcript.diallerOffer + Transcript.diallerMessage)[...])
        #expect(side.outbox == Transcript.listenerAnswer + Transcript.listenerMessage)
        #expect(side.introduction?.encryption == .rc4)
        #expect(side.introduction?.peerID == peer("a"))
        #expect(side.received == [0, 0, 0, 1, 14])
    }
}
