import ByteCoding
import SwarmTypes

/// Numbers of Message Stream Encryption.
enum MSE {
    static let keyLength = 96
    static let exponentLength = 20
    static let hashLength = 20
    /// Of each of the four paddings.
    static let maximumPad = 512
    static let verification = [UInt8](repeating: 0, count: 8)
    static let plain: UInt32 = 1
    static let rc4: UInt32 = 2
}

// Both sides.
extension HandshakeMachine {
    private func hash(_ name: String, _ rest: [UInt8]) -> [UInt8] {
        self.primitives.sha1(Array(name.utf8) + rest)
    }

    /// Answers whether there was a key to send.
    mutating func sendKey(into actions: inout [HandshakeAction]) -> Bool {
        guard let key = self.primitives.publicKey(exponent: self.exponent) else {
            self.give(up: .encryptionFailed(.keyExchange), into: &actions)
            return false
        }
        actions.append(.send(key + self.keyPadding))
        return true
    }

    /// Reads the peer's key and answers whether there is a secret now.
    private mutating func readSecret(into actions: inout [HandshakeAction]) -> Bool {
        guard let key = self.front(MSE.keyLength) else { return false }
        self.drop(MSE.keyLength)
        guard let secret = self.primitives.sharedSecret(exponent: self.exponent, with: key) else {
            self.give(up: .encryptionFailed(.keyExchange), into: &actions)
            return false
        }
        self.secret = secret
        return true
    }

    /// Answers whether they could be made.
    mutating func makeCiphers(_ torrent: TorrentID, into actions: inout [HandshakeAction]) -> Bool {
        let dialler = self.primitives.cipher(key: self.hash("keyA", self.secret + torrent.bytes))
        let listener = self.primitives.cipher(key: self.hash("keyB", self.secret + torrent.bytes))
        guard let dialler, let listener else {
            self.give(up: .encryptionFailed(.keyExchange), into: &actions)
            return false
        }
        self.outgoingCipher = self.isOutgoing ? dialler : listener
        self.incomingCipher = self.isOutgoing ? listener : dialler
        return true
    }

    private func encrypted(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if let cipher = self.outgoingCipher { self.primitives.apply(cipher, to: &bytes) }
        return bytes
    }

    /// Drops everything up to the end of the mark and answers true, or false while it may still come. Fails when it is
    /// not where it must be: behind at most 512 bytes of padding.
    private mutating func found(_ mark: [UInt8], into actions: inout [HandshakeAction]) -> Bool {
        let highest = min(self.input.count - mark.count, MSE.maximumPad)
        var start = self.searchedCount
        while start <= highest {
            if self.input[start..<start + mark.count].elementsEqual(mark) {
                self.drop(start + mark.count)
                return true
            }
            start += 1
        }
        self.searchedCount = start
        if start > MSE.maximumPad { self.give(up: .encryptionFailed(.synchronisation), into: &actions) }
        return false
    }

    private mutating func agree(on method: UInt32) {
        self.encryption = method == MSE.rc4 ? .rc4 : .plainAfterNegotiation
        if method == MSE.plain {
            self.incomingCipher = nil
            self.outgoingCipher = nil
        }
    }
}

// The side that dialled.
extension HandshakeMachine {
    mutating func readKey(into actions: inout [HandshakeAction]) {
        guard let handshake = self.handshake, self.readSecret(into: &actions) else { return }
        guard self.makeCiphers(handshake.infoHash, into: &actions) else { return }
        let torrent = zip(self.hash("req2", handshake.infoHash.bytes), self.hash("req3", self.secret))
        var offer = MSE.verification
        offer.append(bigEndian: self.policy == .require ? MSE.rc4 : MSE.rc4 | MSE.plain)
        offer.append(bigEndian: UInt16(self.negotiationPadCount))
        offer += [UInt8](repeating: 0, count: self.negotiationPadCount)
        offer.append(bigEndian: UInt16(Handshake.byteCount))
        offer += handshake.bytes
        actions.append(
            .send(self.hash("req1", self.secret) + torrent.map { $0 ^ $1 } + self.encrypted(offer)))
        // What the peer's eight zero bytes look like; its cipher then stands behind them.
        self.secret = MSE.verification
        if let cipher = self.incomingCipher { self.primitives.apply(cipher, to: &self.secret) }
        self.stage = .seekingVerification
    }

    mutating func seekVerification(into actions: inout [HandshakeAction]) {
        if self.found(self.secret, into: &actions) { self.stage = .selection }
    }

    mutating func readSelection(into actions: inout [HandshakeAction]) {
        guard let bytes = self.front(6) else { return }
        var reader = ByteReader(bytes)
        guard let method = reader.number(UInt32.self), let padCount = reader.number(UInt16.self),
            method == MSE.rc4 || method == MSE.plain && self.policy == .prefer, padCount <= MSE.maximumPad
        else { return self.end(.failed(.encryptionFailed(.negotiation)), &actions) }
        self.drop(6)
        self.encryption = method == MSE.rc4 ? .rc4 : .plainAfterNegotiation
        self.stage = .selectionPad(Int(padCount))
    }

    mutating func skipSelectionPad(_ count: Int) {
        guard self.front(count) != nil else { return }
        self.drop(count)
        self.agree(on: self.encryption == .rc4 ? MSE.rc4 : MSE.plain)
        self.stage = .handshakeHead
    }
}

// The side that was dialled.
extension HandshakeMachine {
    /// A plain connection begins with the protocol's name, of which a key has the first bytes once in 2^160 times.
    mutating func detect(into actions: inout [HandshakeAction]) {
        let name = Handshake.protocolName
        if zip(self.input, name).contains(where: { $0 != $1 }) {
            guard self.policy != .off else { return self.end(.failed(.badHandshake), &actions) }
            self.stage = .incomingKeyExchange
        } else if self.input.count >= name.count {
            guard self.policy != .require else { return self.end(.failed(.encryptionRequired), &actions) }
            self.stage = .handshakeHead
        }
    }

    mutating func answerKey(into actions: inout [HandshakeAction]) {
        guard self.readSecret(into: &actions), self.sendKey(into: &actions) else { return }
        self.stage = .seekingSecret
    }

    mutating func seekSecret(into actions: inout [HandshakeAction]) {
        if self.found(self.hash("req1", self.secret), into: &actions) { self.stage = .obfuscatedTorrent }
    }

    mutating func readObfuscatedTorrent(into actions: inout [HandshakeAction]) {
        guard let bytes = self.front(MSE.hashLength) else { return }
        self.drop(MSE.hashLength)
        let digest = zip(bytes, self.hash("req3", self.secret)).map { $0 ^ $1 }
        guard let id = ObfuscatedTorrentID(bytes: digest) else {
            return self.end(.failed(.encryptionFailed(.synchronisation)), &actions)
        }
        self.stage = .awaitingObfuscatedTorrent
        actions.append(.lookUp(.obfuscated(id)))
    }

    mutating func readProvision(into actions: inout [HandshakeAction]) {
        guard let bytes = self.front(14) else { return }
        var reader = ByteReader(bytes)
        guard reader.bytes(8)?.elementsEqual(MSE.verification) == true,
            let offered = reader.number(UInt32.self), let padCount = reader.number(UInt16.self),
            padCount <= MSE.maximumPad
        else { return self.end(.failed(.encryptionFailed(.negotiation)), &actions) }
        let wantsPlain = self.policy == .prefer && !self.encryptsPayload
        let choices = wantsPlain ? [MSE.plain, MSE.rc4] : [MSE.rc4, MSE.plain]
        let method = choices.first { offered & $0 != 0 && ($0 == MSE.rc4 || self.policy == .prefer) }
        guard let method else { return self.end(.failed(.encryptionFailed(.negotiation)), &actions) }
        self.drop(14)
        self.encryption = method == MSE.rc4 ? .rc4 : .plainAfterNegotiation
        self.stage = .provisionPad(Int(padCount))
    }

    mutating func readProvisionPad(_ count: Int) {
        guard let bytes = self.front(count + 2) else { return }
        self.drop(count + 2)
        self.stage = .initialPayload(Int(bytes[count]) << 8 | Int(bytes[count + 1]))
    }

    /// Answers when the peer's first payload is here, with our handshake at once.
    mutating func select(after count: Int, into actions: inout [HandshakeAction]) {
        guard let handshake = self.handshake, self.front(count) != nil else { return }
        let method = self.encryption == .rc4 ? MSE.rc4 : MSE.plain
        var answer = MSE.verification
        answer.append(bigEndian: method)
        answer.append(bigEndian: UInt16(self.negotiationPadCount))
        answer += [UInt8](repeating: 0, count: self.negotiationPadCount)
        answer = self.encrypted(answer)
        // The first payload is decrypted, and stays at the front; what follows is in the agreed form.
        self.agree(on: method)
        actions.append(.send(answer + self.encrypted(handshake.bytes)))
        self.stage = .handshakeHead
    }
}
