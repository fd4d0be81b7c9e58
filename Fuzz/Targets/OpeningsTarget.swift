import PeerProtocol
import SwarmTypes

/// An opening ends once or not at all, in the same way wherever the stream is cut, says the same to the peer, and gives
/// every byte behind the handshake back.
///
/// The calculations are toys, the cipher changes nothing: what is tried are the machine's steps, and inputs are to get
/// through all of them. The first byte chooses policy, side and choice of cipher, the next two where the stream is cut,
/// or that each byte comes alone; the rest is the stream.
let openingsTarget = FuzzTarget(name: "openings") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let choice = reader.byte()
    let place = reader.twoBytes()
    let stream = Array(reader.rest)
    let whole = try Opening.run(choice, stream, cuts: [])
    let cuts = place == 0xFFFF ? Array(stream.indices.dropFirst()) : [place % (stream.count + 1)]
    let cut = try Opening.run(choice, stream, cuts: cuts)
    try require(whole == cut, "another opening when cut at \(cuts.first ?? 0)")
}

private struct ToyPrimitives: EncryptionPrimitives {
    func publicKey(exponent: [UInt8]) -> [UInt8]? { exponent + [UInt8](repeating: 7, count: 76) }

    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]? {
        publicKey.allSatisfy { $0 == 0 } ? nil : [UInt8](repeating: 9, count: 96)
    }

    /// The first four bytes, which are the name of the hash, five times.
    func sha1(_ bytes: [UInt8]) -> [UInt8] { (0..<20).map { bytes[$0 % 4] } }

    func cipher(key: [UInt8]) -> Void? { () }

    func apply(_ cipher: Void, to bytes: inout [UInt8]) {}
}

/// Always the same. Not zero, which the standard library would refuse for ever where it draws a number from a range.
private struct NoChance: RandomNumberGenerator {
    mutating func next() -> UInt64 { 0x0101_0101_0101_0101 }
}

/// All that can be seen of an opening.
private struct Opening: Equatable {
    var sent: [UInt8] = []
    var end: HandshakeAction?
    /// What came behind the handshake.
    var rest: [UInt8] = []

    static func run(_ choice: UInt8, _ stream: [UInt8], cuts: [Int]) throws(BrokenInvariant) -> Opening {
        guard let torrent = TorrentID(bytes: [UInt8](repeating: 0xAA, count: 20)),
            let peer = PeerID(bytes: Array("-WE0100-aaaaaaaaaaaa".utf8))
        else { throw BrokenInvariant("twenty bytes") }
        let ours = Handshake(infoHash: torrent, peerID: peer)
        let policy = EncryptionPolicy.allCases[Int(choice) % 3]
        var machine =
            choice & 64 != 0
            ? HandshakeMachine(outgoing: ours, policy: policy, primitives: ToyPrimitives())
            : HandshakeMachine(
                incoming: policy, encryptsPayload: choice & 128 != 0, primitives: ToyPrimitives())
        var opening = Opening()
        var chance = NoChance()
        var actions: [HandshakeAction] = []
        machine.start(at: Instant(nanoseconds: 0), using: &chance, into: &actions)
        try opening.perform(&actions, &machine, ours)
        var start = 0
        for end in cuts + [stream.count] {
            if case .established = opening.end { opening.rest += stream[start..<end] }
            machine.received(stream.span.extracting(start..<end), into: &actions)
            try opening.perform(&actions, &machine, ours)
            start = end
        }
        return opening
    }

    private mutating func perform(
        _ actions: inout [HandshakeAction], _ machine: inout HandshakeMachine<ToyPrimitives>,
        _ ours: Handshake
    ) throws(BrokenInvariant) {
        while !actions.isEmpty {
            let action = actions.removeFirst()
            try require(self.end == nil, "\(action) after the end")
            switch action {
            case .send(let bytes): self.sent += bytes
            case .lookUp(let lookUp):
                let isKnown =
                    switch lookUp {
                    case .infoHash(let id): id == ours.infoHash
                    case .obfuscated(let id): id == ObfuscatedTorrentID(of: ours.infoHash, ToyPrimitives())
                    }
                machine.identified(as: isKnown ? ours : nil, into: &actions)
            case .established(var introduction):
                self.rest = introduction.leftover
                introduction.leftover = []
                self.end = .established(introduction)
            case .redialPlain, .failed: self.end = action
            }
        }
        try require(
            (self.end == nil) == (machine.nextDeadline != nil), "a deadline after the end, or none before")
    }
}
