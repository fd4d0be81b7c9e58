import Digests
import PeerProtocol
import SwarmTypes
import TestKit

/// The real calculations, as the engine has them.
struct RealPrimitives: EncryptionPrimitives {
    func publicKey(exponent: [UInt8]) -> [UInt8]? { try? KeyExchange.publicKey(exponent: exponent) }

    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]? {
        (try? KeyExchange.sharedSecret(exponent: exponent, with: publicKey)) ?? nil
    }

    func sha1(_ bytes: [UInt8]) -> [UInt8] { (try? digest(.sha1, of: bytes)) ?? [] }

    func cipher(key: [UInt8]) -> StreamCipher? { try? StreamCipher(key: key, discarding: 1024) }

    func apply(_ cipher: StreamCipher, to bytes: inout [UInt8]) { cipher.apply(&bytes) }
}

/// A machine whose OpenSSL has no legacy provider.
struct MissingPrimitives: EncryptionPrimitives {
    func publicKey(exponent: [UInt8]) -> [UInt8]? { nil }
    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]? { nil }
    func sha1(_ bytes: [UInt8]) -> [UInt8] { [] }
    func cipher(key: [UInt8]) -> StreamCipher? { nil }
    func apply(_ cipher: StreamCipher, to bytes: inout [UInt8]) {}
}

typealias Machine = HandshakeMachine<RealPrimitives>

let sampleTorrent = torrent(0xAA)

func torrent(_ byte: UInt8) -> TorrentID {
    guard let id = TorrentID(bytes: [UInt8](repeating: byte, count: 20)) else {
        preconditionFailure("20 bytes")
    }
    return id
}

func peer(_ letter: Character) -> PeerID {
    guard let id = PeerID(bytes: Array((PeerID.ownPrefix + String(repeating: letter, count: 12)).utf8)) else {
        preconditionFailure("20 bytes")
    }
    return id
}

/// One side of a connection in memory.
struct OpeningSide {
    var machine: Machine
    /// What it has sent, and what has not been delivered of it.
    var outbox: [UInt8] = []
    var end: HandshakeAction?
    /// Sent right behind the handshake.
    let greeting: [UInt8]
    /// What came behind the peer's handshake.
    var received: [UInt8] = []
    var known: [TorrentID: Handshake] = [:]
    var obfuscated = ObfuscatedTorrents()

    init(dialling handshake: Handshake, _ policy: EncryptionPolicy, greeting: String = "hello") {
        self.machine = Machine(outgoing: handshake, policy: policy, primitives: RealPrimitives())
        self.greeting = Array(greeting.utf8)
    }

    init(
        listening handshakes: [Handshake], _ policy: EncryptionPolicy, encryptsPayload: Bool = false,
        greeting: String = "welcome"
    ) {
        self.machine = Machine(
            incoming: policy, encryptsPayload: encryptsPayload, primitives: RealPrimitives())
        self.greeting = Array(greeting.utf8)
        for handshake in handshakes {
            self.known[handshake.infoHash] = handshake
            self.obfuscated.insert(handshake.infoHash, RealPrimitives())
        }
    }

    mutating func start(using random: inout some RandomNumberGenerator) {
        var actions: [HandshakeAction] = []
        self.machine.start(at: Instant(nanoseconds: 0), using: &random, into: &actions)
        self.perform(actions)
    }

    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        guard self.end == nil else {
            guard self.introduction != nil else { return }
            var bytes = Array(bytes)
            self.machine.ciphers?.incoming.apply(&bytes)
            self.received += bytes
            return
        }
        var actions: [HandshakeAction] = []
        self.machine.received(bytes.span, into: &actions)
        self.perform(actions)
    }

    mutating func disconnect() {
        var actions: [HandshakeAction] = []
        self.machine.disconnected(.closedBeforeHandshake, into: &actions)
        self.perform(actions)
    }

    private mutating func perform(_ actions: [HandshakeAction]) {
        for action in actions {
            switch action {
            case .send(let bytes): self.outbox += bytes
            case .lookUp(let lookUp):
                let id: TorrentID? =
                    switch lookUp {
                    case .infoHash(let id): id
                    case .obfuscated(let id): self.obfuscated[id]
                    }
                var more: [HandshakeAction] = []
                self.machine.identified(as: id.flatMap { self.known[$0] }, into: &more)
                self.perform(more)
            case .established(let introduction):
                self.end = action
                self.received = introduction.leftover
                var greeting = self.greeting
                self.machine.ciphers?.outgoing.apply(&greeting)
                self.outbox += greeting
            case .redialPlain, .failed: self.end = action
            }
        }
    }

    var introduction: Introduction? {
        guard case .established(let introduction) = self.end else { return nil }
        return introduction
    }
}

/// Carries bytes between two sides until both are silent. `chunk` says how many bytes at most arrive at once.
func connect(
    _ dialler: inout OpeningSide, _ listener: inout OpeningSide,
    using random: inout some RandomNumberGenerator,
    chunk: (Int) -> Int = { $0 }
) {
    dialler.start(using: &random)
    listener.start(using: &random)
    while !dialler.outbox.isEmpty || !listener.outbox.isEmpty {
        deliver(from: &dialler, to: &listener, chunk)
        deliver(from: &listener, to: &dialler, chunk)
        for isEnded in [dialler.end, listener.end] {
            switch isEnded {
            case .failed, .redialPlain:
                dialler.disconnect()
                listener.disconnect()
                return
            default: break
            }
        }
    }
}

private func deliver(from sender: inout OpeningSide, to receiver: inout OpeningSide, _ chunk: (Int) -> Int) {
    guard !sender.outbox.isEmpty else { return }
    let count = min(max(1, chunk(sender.outbox.count)), sender.outbox.count)
    let bytes = sender.outbox.prefix(count)
    sender.outbox.removeFirst(count)
    receiver.receive(bytes)
}
