import SwarmTypes

/// The reason without its evidence: cheap, for a thousand peers a second.
struct Classified: Hashable {
    var reason: PeerReason
    var severity: Severity

    init(_ reason: PeerReason, _ severity: Severity) {
        self.reason = reason
        self.severity = severity
    }

    /// Expected until `watch` seconds, a problem from `problem` seconds on.
    init(_ reason: PeerReason, age: Double, watch: Double, problem: Double = .infinity) {
        self.init(reason, age >= problem ? .problem : age >= watch ? .watch : .expected)
    }
}

extension TorrentSnapshot {
    /// The side that matters: while we seed what goes to it, else what comes from it.
    func classify(_ peer: PeerSnapshot) -> Classified {
        if let opening = self.classifyOpening(peer) { return opening }
        return self.state == .seeding ? self.classifySending(to: peer) : self.classifyReceiving(from: peer)
    }

    func age(of since: Instant) -> Double { since.age(at: self.now) }

    func isRecent(_ instant: Instant?) -> Bool {
        instant.map { self.age(of: $0) <= DiagnosisBounds.recentPayload } ?? false
    }

    private func classifyOpening(_ peer: PeerSnapshot) -> Classified? {
        guard !peer.isEstablished else { return nil }
        let reason = peer.stage == .connected ? PeerReason.handshaking : .dialling
        return Classified(reason, age: self.age(of: peer.since), watch: DiagnosisBounds.handshake)
    }

    func classifyReceiving(from peer: PeerSnapshot) -> Classified {
        if self.state == .fetchingMetadata { return self.classifyMetadata(peer) }
        if peer.downRate > .zero, self.isRecent(peer.lastReceived) { return Classified(.sending, .expected) }
        if !peer.hasBitfield {
            return Classified(
                .noBitfieldYet, age: self.age(of: peer.since), watch: DiagnosisBounds.bitfieldExpected,
                problem: DiagnosisBounds.bitfieldProblem)
        }
        if peer.neededPieceCount <= 0 { return Classified(.nothingWeNeed, .expected) }
        if !peer.weInterested.isSet {
            return Classified(
                .weNotInterested, age: self.age(of: peer.weInterested.since), watch: DiagnosisBounds.request)
        }
        if peer.theyChoke.isSet { return self.classifyChoke(peer) }
        switch peer.downWait {
        case .cap: return Classified(.rateLimited, .expected)
        case .disk: return Classified(.diskBusy, .watch)
        case .nothing: return self.classifyRequests(peer)
        }
    }

    private func classifyChoke(_ peer: PeerSnapshot) -> Classified {
        let age = self.age(of: peer.theyChoke.since)
        // Tit for tat: a leech that gets nothing has no reason to give.
        let givesNothing =
            self.pieces.have > 0 && peer.bytesUp <= 0 && peer.timesUnchokedUs <= 0
            && peer.pieceCount < self.pieces.total && age >= DiagnosisBounds.unchokeExpected
        return Classified(
            givesNothing ? .chokedNothingGiven : .choked, age: age, watch: DiagnosisBounds.unchokeExpected,
            problem: DiagnosisBounds.unchokeProblem)
    }

    /// It has unchoked us and has what we need.
    private func classifyRequests(_ peer: PeerSnapshot) -> Classified {
        if peer.isSnubbed || peer.timeouts > 0 { return Classified(.snubbed, .watch) }
        if peer.rejects > 0 {
            return Classified(.rejecting, peer.rejects >= DiagnosisBounds.rejectsProblem ? .problem : .watch)
        }
        guard peer.outstandingRequests > 0 else {
            if self.pieces.isEverythingRequested { return Classified(.nothingLeftToAsk, .expected) }
            let age = min(self.age(of: peer.theyChoke.since), self.age(of: peer.weInterested.since))
            return Classified(
                .nothingRequested, age: age, watch: DiagnosisBounds.request,
                problem: DiagnosisBounds.requestProblem)
        }
        let silence = self.age(of: peer.lastActivity)
        let asked = peer.oldestRequest.map { self.age(of: $0) } ?? 0
        if min(silence, asked) >= DiagnosisBounds.silence {
            return Classified(
                .socketIdle, age: min(silence, asked), watch: DiagnosisBounds.silence,
                problem: DiagnosisBounds.requestProblem)
        }
        if peer.asksOnlyDuplicates { return Classified(.endGameDuplicate, .expected) }
        return Classified(.requestsOutstanding, age: asked, watch: DiagnosisBounds.request)
    }

    private func classifyMetadata(_ peer: PeerSnapshot) -> Classified {
        switch peer.metadata {
        case .unknown:
            Classified(.metadataUnknown, age: self.age(of: peer.since), watch: DiagnosisBounds.metadata)
        case .none: Classified(.metadataNotOffered, .watch)
        case .rejected: Classified(.metadataRejected, .watch)
        case .offered:
            Classified(.metadataRequested, age: self.age(of: peer.since), watch: DiagnosisBounds.metadata)
        case .requested(let at):
            Classified(
                .metadataRequested, age: self.age(of: at), watch: DiagnosisBounds.metadata,
                problem: 2 * DiagnosisBounds.metadata)
        }
    }

    func classifySending(to peer: PeerSnapshot) -> Classified {
        if peer.upRate > .zero, self.isRecent(peer.lastSent) { return Classified(.receiving, .expected) }
        let hasAll = self.pieces.total > 0 && peer.pieceCount >= self.pieces.total
        if hasAll || peer.isUploadOnly { return Classified(.peerIsSeed, .expected) }
        if !peer.theyInterested.isSet { return Classified(.notInterested, .expected) }
        if peer.weChoke.isSet {
            // With slots to spare, nobody should wait for one.
            let isSpare = self.counts.uploadSlotsUsed < self.counts.uploadSlots
            return Classified(
                .noSlot, age: isSpare ? self.age(of: peer.theyInterested.since) : 0,
                watch: DiagnosisBounds.idleSlot)
        }
        if peer.uploadQueue <= 0 {
            let since = max(peer.lastRequestFromIt ?? peer.weChoke.since, peer.weChoke.since)
            return Classified(.noRequest, age: self.age(of: since), watch: DiagnosisBounds.idleSlot)
        }
        switch peer.upWait {
        case .cap: return Classified(.capped, .expected)
        case .disk: return Classified(.readingDisk, .watch)
        case .nothing:
            if peer.isSendBufferFull { return Classified(.sendBufferFull, .expected) }
            let since = peer.lastRequestFromIt ?? self.now
            return Classified(
                .requestNotServed, age: self.age(of: since), watch: DiagnosisBounds.request,
                problem: DiagnosisBounds.requestProblem)
        }
    }
}
