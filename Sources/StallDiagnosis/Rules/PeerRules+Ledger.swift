import SwarmTypes

extension TorrentSnapshot {
    /// What the ledger's entry of a peer without connection says.
    func classify(_ entry: PeerLedgerEntry) -> Classified {
        guard entry.address.isUsable || entry.direction == .incoming else {
            return Classified(.noAddressUsable, .expected)
        }
        switch entry.outcome {
        case .notTried: return Classified(.queued, .expected)
        case .open:
            let reason = entry.stage == .connected ? PeerReason.handshaking : .dialling
            return Classified(reason, age: self.age(of: entry.changed), watch: DiagnosisBounds.handshake)
        case .closed(let reason): return self.classifyEnd(reason, of: entry)
        }
    }

    /// A single failure is expected in every swarm: half of all attempts may fail. What all peers do is for the
    /// torrent's verdict to judge.
    func classifyEnd(_ reason: CloseReason, of entry: PeerLedgerEntry) -> Classified {
        switch reason {
        case .refused: Classified(.refused, .expected)
        case .unreachable, .connectTimeout:
            entry.transport == .utp
                ? Classified(.utpFailed, .expected)
                : Classified(reason == .unreachable ? .unreachable : .connectTimeout, .expected)
        case .localFailure: Classified(.localFailure, .problem)
        case .resetBeforeHandshake:
            Classified(self.mayNeedEncryption(entry) ? .encryptionNeeded : .resetBeforeHandshake, .expected)
        case .closedBeforeHandshake:
            Classified(self.mayNeedEncryption(entry) ? .encryptionNeeded : .closedBeforeHandshake, .expected)
        case .handshakeTimeout: Classified(.handshakeTimeout, .expected)
        case .badHandshake: Classified(.notBitTorrent, .expected)
        case .encryptionRequired: Classified(.encryptionRefused, .watch)
        case .encryptionFailed: Classified(.encryptionFailed, .watch)
        case .wrongInfoHash: Classified(.wrongInfoHash, .watch)
        case .notInTorrent: Classified(.notInTorrent, .expected)
        case .ownConnection: Classified(.ownConnection, .expected)
        case .duplicateConnection: Classified(.duplicate, .expected)
        case .tooManyConnections: Classified(.noPlace, .expected)
        case .banned: Classified(.banned, .expected)
        case .corruptData: Classified(.bannedForCorruption, .watch)
        case .badMetadata: Classified(.badMetadata, .watch)
        case .bothSeeds: Classified(.bothSeeds, .expected)
        case .notUseful: Classified(.notUseful, .expected)
        case .torrentStopped, .torrentRemoved, .shutDown: Classified(.weStopped, .expected)
        case .closedByPeer, .resetByPeer, .socketFailure: self.classifyLeaving(entry)
        case .inactive:
            self.waits(entry) ? Classified(.backingOff, .expected) : Classified(.inactive, .expected)
        case .frameTooLong, .badLength, .outOfRange, .badBitfield, .unexpectedMessage, .badExtensionMessage,
            .unrequestedBlock, .tooManyBadRequests:
            Classified(.brokeProtocol, .watch)
        }
    }

    private func classifyLeaving(_ entry: PeerLedgerEntry) -> Classified {
        // While it is tried again, the stage is that of the new attempt.
        let stage = entry.outcome == .open ? entry.furthest : entry.stage
        if stage < .unchoked, entry.bytesDown <= 0, entry.bytesUp <= 0 {
            return Classified(.closedAfterHandshake, .expected)
        }
        return Classified(self.waits(entry) ? .backingOff : .wentAway, .expected)
    }

    private func waits(_ entry: PeerLedgerEntry) -> Bool { entry.retryAt.map { $0 > self.now } ?? false }

    /// A peer that takes only encrypted connections ends a plain one before a word.
    private func mayNeedEncryption(_ entry: PeerLedgerEntry) -> Bool {
        self.session.encryption == .off && entry.transport == .tcp && entry.direction == .outgoing
    }
}
