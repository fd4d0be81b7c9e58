import SwarmTypes

/// Nobody is connected.
extension Situation {
    func byReachingPeers() -> Draft? {
        guard self.established.isEmpty else { return nil }
        if self.torrent.session.isOutOfDescriptors {
            let limit = self.torrent.session.descriptorLimit
            return self.draft(
                .tooManyOpenFiles,
                [.count("descriptor_limit", limit, "\(limit) open files allowed"), self.knownFact])
        }
        // A private torrent has no other source: what its tracker says outweighs what old peers do.
        if self.torrent.isPrivate, let complaint = self.byComplaint() { return complaint }
        if self.tally.failed > 0 { return self.byFailures() }
        if let untried = self.byUntried() { return untried }
        return self.bySources()
    }

    /// Nothing failed so far.
    private func byUntried() -> Draft? {
        if self.tally.opening > 0 { return self.draft(.connecting, [self.knownFact, self.openingFact]) }
        if self.tally.untried > 0 || self.torrent.counts.queued > 0 {
            let limits = self.torrent.placeEvidence
            return limits.isEmpty
                ? self.draft(.connecting, [self.knownFact, self.untriedFact])
                : self.draft(.connectionLimit, [self.knownFact] + limits)
        }
        if self.tally.unusable > 0 {
            let count = self.tally.unusable
            return self.draft(
                .noUsableAddress,
                [.count("unusable_addresses", count, counted(count, "address", "addresses"))])
        }
        if self.tally.ownAddresses > 0 {
            let count = self.tally.ownAddresses
            return self.draft(
                .onlyOurselves,
                [.count("own_addresses", count, "\(counted(count, "address", "addresses")) of our own")])
        }
        // Known to the engine, and not in the ledger yet.
        return self.torrent.counts.known > 0 ? self.draft(.connecting, [self.knownFact]) : nil
    }

    private var untriedFact: Fact {
        let count = max(self.tally.untried, self.torrent.counts.queued)
        return .count("untried_peers", count, "\(count) not tried yet")
    }

    private func byFailures() -> Draft {
        let others = self.tally.firstAttempts + self.tally.untried
        // Refusals come back sooner than handshakes.
        let isEarly =
            self.tally.failed < DiagnosisBounds.attemptsToJudge
            || self.hasJustStarted && self.tally.firstAttempts > 0
        if isEarly, others > 0 {
            let limits = self.torrent.placeEvidence
            if self.tally.firstAttempts == 0, !limits.isEmpty {
                return self.draft(.connectionLimit, [self.knownFact, self.failedFact] + limits)
            }
            return self.draft(
                .connecting, [self.knownFact, self.openingFact, self.untriedFact, self.failedFact])
        }
        return self.draft(forFailure: self.tally.dominantFailure)
    }

    /// The verdict for what nearly all failures share; nil for a mixture.
    private func draft(forFailure reason: PeerReason?) -> Draft {
        if reason == .localFailure { return self.byLocalFailure() }
        if let blocked = self.byBlockedLine(reason) { return blocked }
        if reason == .unreachable { return self.byMissingRoute() }
        if let silent = self.bySilence() { return silent }
        guard let reason else { return self.mixedFailure() }
        let code = self.code(forFailure: reason)
        let count = self.tally.failures[reason] ?? 0
        let whole = self.tally.failed
        let share = count == whole ? (whole == 1 ? "the only one" : "all \(whole)") : "\(count) of \(whole)"
        return self.draft(
            code, "\(code.meaning.dropLast()): \(share) that \(whole == 1 ? "was" : "were") tried.",
            self.failureFacts(reason))
    }

    /// Who fell silent is judged by how far it had come, whether it is tried again or not.
    private func bySilence() -> Draft? {
        let silent = self.torrent.ledger.entries.filter { $0.lastReason == .inactive }
        guard Double(silent.count) >= DiagnosisBounds.dominantShare * Double(self.tally.failed) else {
            return nil
        }
        let furthest = silent.map(\.furthest).max() ?? .known
        let count = silent.count
        let who = count == 1 ? "The only peer that was tried" : "Each of \(count) peers"
        let facts =
            self.failureFacts(nil) + [
                .count("inactive", count, "\(count) fell silent"),
                Fact("furthest_stage", .text(furthest.code), "the furthest came to \(furthest.code)"),
            ]
        switch furthest {
        case .known, .queued, .dialling, .connected: return nil
        case .handshaken:
            return self.draft(.noBitfields, "\(who) fell silent before it said what it has.", facts)
        case .bitfield, .interested:
            return self.draft(.allChoked, "\(who) choked us until it fell silent.", facts)
        case .unchoked: return self.draft(.requestsTimeOut, "\(who) unchoked us and fell silent.", facts)
        case .transferring: return nil
        }
    }

    private func code(forFailure reason: PeerReason) -> VerdictCode {
        switch reason {
        case .refused: .allRefused
        case .connectTimeout, .utpFailed: .allTimedOut
        case .resetBeforeHandshake: .allReset
        case .closedBeforeHandshake: .allClosedEarly
        case .handshakeTimeout: .handshakesSilent
        case .notBitTorrent: .notBitTorrent
        case .encryptionNeeded: .peersRequireEncryption
        case .encryptionRefused: .peersSpeakPlain
        case .encryptionFailed: .encryptionFailed
        case .wrongInfoHash: .wrongInfoHash
        case .closedAfterHandshake: .closedAfterHandshake
        case .banned: .allBanned
        case .bannedForCorruption: .corruptData
        case .badMetadata: .metadataCorrupt
        case .brokeProtocol: .protocolErrors
        case .wentAway, .inactive, .backingOff: .everybodyLeft
        default: .nobodyConnects
        }
    }

    private func failureFacts(_ reason: PeerReason?) -> [Fact] {
        var facts = [self.knownFact, self.failedFact]
        if let reason {
            let count = self.tally.failures[reason] ?? 0
            facts.append(.count(reason.code, count, "\(count) \(spaced(reason.code))"))
        }
        let waiting = self.torrent.counts.backingOff
        if waiting > 0 { facts.append(.count("backing_off", waiting, "\(waiting) wait to be tried again")) }
        if let complaint = self.byComplaint() {
            facts += complaint.evidence.filter { $0.name == "tracker_words" }
        }
        if let retry = self.torrent.ledger.entries.compactMap(\.retryAt).filter({ $0 > self.now }).min() {
            facts.append(.until("retry_in", retry, at: self.now, "next try in"))
        }
        return facts
    }

    private func mixedFailure() -> Draft {
        // Those that left had been reached: then the line is well.
        let left = self.tally.failureCount(.wentAway, .inactive, .backingOff)
        if left * 2 >= self.tally.failed { return self.draft(.everybodyLeft, self.failureFacts(nil)) }
        let ranked = self.tally.failures.sorted { ($1.value, $0.key.code) < ($0.value, $1.key.code) }
        let facts = ranked.prefix(4).map { reason, count in
            Fact.count(reason.code, count, "\(count) \(spaced(reason.code))")
        }
        let words = facts.map(\.phrase).joined(separator: ", ")
        return self.draft(
            .nobodyConnects, "All \(self.tally.failed) attempts to connect failed: \(words).",
            self.failureFacts(nil) + facts)
    }

    private func byLocalFailure() -> Draft {
        var numbers: [Int32: Int] = [:]
        for entry in self.torrent.ledger.entries {
            if case .localFailure(let number)? = entry.lastReason { numbers[number, default: 0] += 1 }
        }
        let most = numbers.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
        let words = CloseReason.localFailure(code: most).words
        let code: VerdictCode =
            switch most {
            case SystemError.tooManyFiles, SystemError.tooManyFilesInSystem: .tooManyOpenFiles
            case SystemError.addressNotAvailable: .localPortsExhausted
            case SystemError.notPermitted, SystemError.accessDenied: .localFirewall
            case SystemError.networkDown, SystemError.networkUnreachable, SystemError.noRoute: .noNetwork
            default: .localFailure
            }
        return self.draft(
            code, [Fact("errno", .count(Int(most)), words)] + self.failureFacts(.localFailure))
    }

    /// One torrent cannot tell a dead swarm from a blocked line; three can.
    private func byBlockedLine(_ reason: PeerReason?) -> Draft? {
        let session = self.torrent.session
        guard session.torrentsNeverConnected >= DiagnosisBounds.torrentsToBlameLine,
            session.torrentsNeverConnected >= session.torrentsDialling,
            self.tally.failureCount(
                .refused, .connectTimeout, .unreachable, .resetBeforeHandshake, .closedBeforeHandshake,
                .handshakeTimeout) == self.tally.failed
        else { return nil }
        if reason == .unreachable, !self.isTrackerReached { return nil }
        let count = session.torrentsNeverConnected
        return self.draft(
            .outboundBlocked,
            "None of \(count) torrents can connect to anybody: outgoing connections are blocked.",
            [.count("torrents_never_connected", count, "\(count) torrents never connected to a peer")]
                + self.failureFacts(reason))
    }

    private func byMissingRoute() -> Draft {
        let unreachable = self.torrent.ledger.entries.filter { $0.lastReason == .unreachable }
        let facts = self.failureFacts(.unreachable)
        if unreachable.allSatisfy({ $0.address.ipv4 == nil }) { return self.draft(.noIPv6Route, facts) }
        if self.isTrackerReached || !self.torrent.trackers.contains(where: \.isCutOff) {
            return self.draft(.allUnreachable, facts)
        }
        return self.draft(.noNetwork, facts)
    }

    private var isTrackerReached: Bool { self.torrent.trackers.contains { $0.state == .working } }
}

extension TrackerSnapshot {
    /// The tracker is out of reach as peers are.
    fileprivate var isCutOff: Bool {
        switch self.state {
        case .failing(.nameNotFound), .failing(.unreachable), .failing(.timedOut): true
        default: false
        }
    }
}
