public import SwarmTypes

/// The opening of a connection, from its first byte to the peer's handshake, on either side and with or without Message
/// Stream Encryption.
///
/// Keeps no more than a step can need: 628 bytes while two sides find each other's place, 64 KiB of a peer's first
/// payload. After its last action it ignores everything.
public struct HandshakeMachine<Primitives: EncryptionPrimitives> {
    /// From `start` on, for all of it.
    public static var secondsAllowed: Double { 10 }

    enum Stage: Equatable {
        case idle
        /// We dialled: for the peer's 96 bytes, and up to 512 behind them.
        case outgoingKeyExchange
        /// For eight zero bytes as the peer encrypts them.
        case seekingVerification
        case selection
        case selectionPad(Int)
        /// They dialled: plain or not?
        case detection
        case incomingKeyExchange
        case seekingSecret
        case obfuscatedTorrent
        /// For the driver's answer.
        case awaitingObfuscatedTorrent
        case provision
        case provisionPad(Int)
        case initialPayload(Int)
        /// The handshake of BEP 3 from here on.
        case handshakeHead
        case awaitingTorrent
        case peerID
        case ended
    }

    let primitives: Primitives
    let policy: EncryptionPolicy
    let encryptsPayload: Bool
    /// Ours. Of an incoming connection: since the torrent is known.
    var handshake: Handshake?
    let isOutgoing: Bool
    var stage = Stage.idle
    /// What has arrived and is not used up; its first `clearCount` bytes are decrypted.
    var input: [UInt8] = []
    var clearCount = 0
    /// So many bytes of the input were searched in vain.
    var searchedCount = 0
    var encryption = ConnectionEncryption.plain
    var incomingCipher: Primitives.Cipher?
    var outgoingCipher: Primitives.Cipher?
    /// Drawn at the start, with the padding behind our key and the length of the one in the negotiation.
    var exponent: [UInt8] = []
    var keyPadding: [UInt8] = []
    var negotiationPadCount = 0
    var secret: [UInt8] = []
    /// When `timerFired` is due; nil before the start and after the end.
    public private(set) var nextDeadline: Instant?

    /// - Parameters:
    ///   - handshake: Ours.
    ///   - encryptsPayload: Whether to choose RC4 where the choice is ours and the peer takes both. It costs seconds of
    ///     processor time a GiB. A policy of `require` always does.
    public init(
        outgoing handshake: Handshake, policy: EncryptionPolicy, encryptsPayload: Bool = false,
        primitives: Primitives
    ) {
        self.handshake = handshake
        self.isOutgoing = true
        // A second dial with encryption is the driver's.
        self.policy = policy == .allow ? .off : policy
        self.encryptsPayload = encryptsPayload
        self.primitives = primitives
    }

    public init(incoming policy: EncryptionPolicy, encryptsPayload: Bool = false, primitives: Primitives) {
        self.isOutgoing = false
        self.policy = policy == .allow ? .prefer : policy
        self.encryptsPayload = encryptsPayload
        self.primitives = primitives
    }

    public mutating func start(
        at now: Instant, using random: inout some RandomNumberGenerator,
        into actions: inout [HandshakeAction]
    ) {
        guard self.stage == .idle else { return }
        self.nextDeadline = now.advanced(bySeconds: Self.secondsAllowed)
        if self.policy != .off {
            func bytes(_ count: Int) -> [UInt8] {
                (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            self.exponent = bytes(MSE.exponentLength)
            self.keyPadding = bytes(Int.random(in: 0...MSE.maximumPad, using: &random))
            self.negotiationPadCount = Int.random(in: 0...MSE.maximumPad, using: &random)
        }
        guard self.isOutgoing, let handshake = self.handshake else {
            self.stage = .detection
            return
        }
        if self.policy == .off {
            self.stage = .handshakeHead
            actions.append(.send(handshake.bytes))
        } else {
            self.stage = .outgoingKeyExchange
            _ = self.sendKey(into: &actions)
        }
    }

    public mutating func received(_ bytes: Span<UInt8>, into actions: inout [HandshakeAction]) {
        guard self.stage != .ended, self.stage != .idle else { return }
        self.input.append(copying: bytes, from: 0, to: bytes.count)
        self.proceed(into: &actions)
    }

    /// The answer to `lookUp`: our handshake for the torrent that was found, or nil. Its info-hash must be the one that
    /// was looked up, where a torrent has two.
    public mutating func identified(as handshake: Handshake?, into actions: inout [HandshakeAction]) {
        guard self.stage == .awaitingTorrent || self.stage == .awaitingObfuscatedTorrent else { return }
        guard let handshake else { return self.end(.failed(.notInTorrent), &actions) }
        self.handshake = handshake
        if self.stage == .awaitingTorrent {
            actions.append(.send(handshake.bytes))
            self.stage = .peerID
        } else if self.makeCiphers(handshake.infoHash, into: &actions) {
            self.stage = .provision
        }
        self.proceed(into: &actions)
    }

    public mutating func timerFired(at now: Instant, into actions: inout [HandshakeAction]) {
        guard let deadline = self.nextDeadline, now >= deadline else { return }
        self.give(up: .handshakeTimeout, into: &actions)
    }

    /// The connection has ended by itself.
    public mutating func disconnected(_ reason: CloseReason, into actions: inout [HandshakeAction]) {
        guard self.stage != .ended else { return }
        self.give(up: reason, into: &actions)
    }

    /// For the driver after `established` with RC4: it decrypts and encrypts with them all that follows.
    public var ciphers: (incoming: Primitives.Cipher, outgoing: Primitives.Cipher)? {
        guard self.encryption == .rc4, let incoming = self.incomingCipher, let outgoing = self.outgoingCipher
        else { return nil }
        return (incoming, outgoing)
    }

    /// Goes through as many stages as the input allows.
    private mutating func proceed(into actions: inout [HandshakeAction]) {
        var before: Stage
        repeat {
            before = self.stage
            switch before {
            case .outgoingKeyExchange: self.readKey(into: &actions)
            case .seekingVerification: self.seekVerification(into: &actions)
            case .selection: self.readSelection(into: &actions)
            case .selectionPad(let count): self.skipSelectionPad(count)
            case .detection: self.detect(into: &actions)
            case .incomingKeyExchange: self.answerKey(into: &actions)
            case .seekingSecret: self.seekSecret(into: &actions)
            case .obfuscatedTorrent: self.readObfuscatedTorrent(into: &actions)
            case .provision: self.readProvision(into: &actions)
            case .provisionPad(let count): self.readProvisionPad(count)
            case .initialPayload(let count): self.select(after: count, into: &actions)
            case .handshakeHead: self.readHead(into: &actions)
            case .peerID: self.readPeerID(into: &actions)
            case .idle, .awaitingTorrent, .awaitingObfuscatedTorrent, .ended: return
            }
        } while self.stage != before
    }
}

// The handshake of BEP 3.
extension HandshakeMachine {
    /// Refuses at the first byte that is wrong, and answers as soon as the torrent is known.
    private mutating func readHead(into actions: inout [HandshakeAction]) {
        let name = Handshake.protocolName
        self.decrypt(upTo: min(Handshake.headCount, self.input.count))
        guard zip(self.input, name).allSatisfy({ $0 == $1 }) else {
            return self.end(.failed(.badHandshake), &actions)
        }
        guard self.input.count >= Handshake.headCount,
            let infoHash = TorrentID(bytes: self.input[28..<Handshake.headCount])
        else { return }
        guard let handshake = self.handshake else {
            self.stage = .awaitingTorrent
            actions.append(.lookUp(.infoHash(infoHash)))
            return
        }
        guard infoHash == handshake.infoHash else { return self.end(.failed(.wrongInfoHash), &actions) }
        self.stage = .peerID
    }

    private mutating func readPeerID(into actions: inout [HandshakeAction]) {
        guard let ours = self.handshake, let bytes = self.front(Handshake.byteCount) else { return }
        guard let theirs = Handshake(bytes: bytes) else { return self.end(.failed(.badHandshake), &actions) }
        guard theirs.peerID != ours.peerID else { return self.end(.failed(.ownConnection), &actions) }
        self.drop(Handshake.byteCount)
        self.decrypt(upTo: self.input.count)
        let introduction = Introduction(
            infoHash: theirs.infoHash, peerID: theirs.peerID,
            supportsFast: ours.supportsFast && theirs.supportsFast,
            supportsExtensions: ours.supportsExtensions && theirs.supportsExtensions,
            supportsDHT: ours.supportsDHT && theirs.supportsDHT,
            encryption: self.encryption, leftover: self.input)
        self.end(.established(introduction), &actions)
    }
}

// What the stages use.
extension HandshakeMachine {
    mutating func end(_ action: HandshakeAction, _ actions: inout [HandshakeAction]) {
        actions.append(action)
        self.stage = .ended
        self.nextDeadline = nil
        self.input = []
        self.exponent = []
        self.keyPadding = []
        self.secret = []
    }

    /// Ends, where the reason may be that the peer knows no encryption, with another attempt.
    mutating func give(up reason: CloseReason, into actions: inout [HandshakeAction]) {
        guard self.stage == .outgoingKeyExchange || self.stage == .seekingVerification else {
            return self.end(.failed(reason), &actions)
        }
        if self.policy == .prefer { return self.end(.redialPlain(after: reason), &actions) }
        let broken: EncryptionStage = self.stage == .seekingVerification ? .synchronisation : .keyExchange
        self.end(.failed(.encryptionFailed(broken)), &actions)
    }

    /// The first bytes of the input, decrypted; nil while there are fewer.
    mutating func front(_ count: Int) -> [UInt8]? {
        guard self.input.count >= count else { return nil }
        self.decrypt(upTo: count)
        return Array(self.input.prefix(count))
    }

    mutating func drop(_ count: Int) {
        self.input.removeFirst(count)
        self.clearCount = max(0, self.clearCount - count)
        self.searchedCount = 0
    }

    private mutating func decrypt(upTo end: Int) {
        guard end > self.clearCount else { return }
        if let cipher = self.incomingCipher {
            var part = Array(self.input[self.clearCount..<end])
            self.primitives.apply(cipher, to: &part)
            self.input.replaceSubrange(self.clearCount..<end, with: part)
        }
        self.clearCount = end
    }
}
