import SwarmTypes

extension TorrentSnapshot {
    /// What the snapshot of a connection shows for its reason.
    func evidence(for reason: PeerReason, of peer: PeerSnapshot) -> [Fact] {
        switch reason {
        case .dialling:
            [self.since("dialling_for", peer.since, "being dialled for")] + self.pastFailure(peer.address)
        case .handshaking:
            [self.since("connected_for", peer.since, "connected without handshake for")]
                + self.pastFailure(peer.address)
        case .sending: [.rate("down_rate", peer.downRate, "sends")]
        case .metadataUnknown, .metadataNotOffered:
            [self.since("connected_for", peer.since, "connected for")]
        case .metadataRejected: [Fact("metadata_rejected", .flag(true), "rejected our request for metadata")]
        case .metadataRequested: self.metadataEvidence(peer)
        case .noBitfieldYet: [self.since("without_bitfield_for", peer.since, "no bitfield for")]
        case .nothingWeNeed:
            [
                .count(
                    "peer_pieces", peer.pieceCount, "has \(peer.pieceCount) of \(self.pieces.total) pieces"),
                .count("needed_pieces", peer.neededPieceCount, "none that we need"),
            ]
        case .weNotInterested:
            [self.needed(peer), self.since("not_interested_for", peer.weInterested.since, "not told so for")]
        case .choked, .chokedNothingGiven: self.chokeEvidence(peer)
        case .rateLimited: self.waiting(peer.downWait, self.traffic.downCaps)
        case .diskBusy: self.waiting(peer.downWait, self.traffic.downCaps) + [self.requests(peer)]
        case .snubbed:
            [.count("timeouts", peer.timeouts, counted(peer.timeouts, "timeout")), self.requests(peer)]
        case .rejecting: [.count("rejects", peer.rejects, counted(peer.rejects, "reject"))]
        case .socketIdle:
            [self.requests(peer), self.since("silent_for", peer.lastActivity, "silent for")]
        case .endGameDuplicate, .requestsOutstanding: [self.requests(peer)] + self.oldest(peer)
        case .nothingLeftToAsk, .nothingRequested:
            [self.needed(peer), self.since("unchoked_for", peer.theyChoke.since, "unchoked for")]
        case .receiving: [.rate("up_rate", peer.upRate, "takes")]
        case .peerIsSeed:
            [.count("peer_pieces", peer.pieceCount, "has \(peer.pieceCount) of \(self.pieces.total) pieces")]
        case .notInterested:
            [self.since("not_interested_for", peer.theyInterested.since, "not interested for")]
        case .noSlot: self.slotEvidence(peer)
        case .noRequest: self.idleSlotEvidence(peer)
        case .capped, .readingDisk: self.waiting(peer.upWait, self.traffic.upCaps) + [self.queue(peer)]
        case .sendBufferFull, .requestNotServed: [self.queue(peer)]
        default: []
        }
    }

    private func since(_ name: String, _ since: Instant, _ phrase: String) -> Fact {
        .age(name, of: since, at: self.now, phrase)
    }

    private func needed(_ peer: PeerSnapshot) -> Fact {
        let phrase = "has \(counted(peer.neededPieceCount, "piece")) that we need"
        return .count("needed_pieces", peer.neededPieceCount, phrase)
    }

    private func requests(_ peer: PeerSnapshot) -> Fact {
        let phrase = "\(counted(peer.outstandingRequests, "request")) out of \(peer.targetDepth) meant"
        return .count("outstanding_requests", peer.outstandingRequests, phrase)
    }

    private func oldest(_ peer: PeerSnapshot) -> [Fact] {
        peer.oldestRequest.map { [self.since("oldest_request_age", $0, "the oldest for")] } ?? []
    }

    private func queue(_ peer: PeerSnapshot) -> Fact {
        .count("upload_queue", peer.uploadQueue, "\(counted(peer.uploadQueue, "request")) from it waiting")
    }

    private func waiting(_ wait: ChannelWait, _ caps: [CapSnapshot]) -> [Fact] {
        switch wait {
        case .nothing: return []
        case .disk: return [Fact("waits_for_disk", .flag(true), "waits for our disk")]
        case .cap(let owner):
            let fact = Fact("capped_by", .text(owner.code), "waits for \(owner.words)")
            guard let cap = caps.first(where: { $0.owner == owner }) else { return [fact] }
            return [fact, .rate("cap_limit", cap.limit, "of"), .rate("cap_rate", cap.rate, "used with")]
        }
    }

    private func metadataEvidence(_ peer: PeerSnapshot) -> [Fact] {
        guard case .requested(let at) = peer.metadata else {
            return [self.since("connected_for", peer.since, "offers it; connected for")]
        }
        return [self.since("requested_for", at, "asked for it since")]
    }

    private func chokeEvidence(_ peer: PeerSnapshot) -> [Fact] {
        let times = peer.timesUnchokedUs
        let unchokes = times > 0 ? "unchoked us \(counted(times, "time"))" : "never unchoked us"
        return [
            self.since("choked_for", peer.theyChoke.since, "choked for"),
            .count("times_unchoked", times, unchokes),
            Fact("bytes_up", .bytes(peer.bytesUp), "we gave it \(spelledBytes(peer.bytesUp))"),
        ]
    }

    private func slotEvidence(_ peer: PeerSnapshot) -> [Fact] {
        var facts = [self.since("interested_for", peer.theyInterested.since, "interested for")]
        if let rank = peer.slotRank {
            facts.append(.count("slot_rank", rank, "place \(rank) for \(self.counts.uploadSlots) slots"))
        }
        if let rotation = self.counts.nextRotation {
            facts.append(.until("next_rotation_in", rotation, at: self.now, "next rotation in"))
        }
        return facts
    }

    private func idleSlotEvidence(_ peer: PeerSnapshot) -> [Fact] {
        guard let last = peer.lastRequestFromIt else {
            return [self.since("unchoked_for", peer.weChoke.since, "has a slot, never asked, for")]
        }
        return [.ago("last_request_age", last, at: self.now, "its last request came")]
    }

    /// What the ledger shows of a peer without connection.
    func evidence(for reason: PeerReason, of entry: PeerLedgerEntry) -> [Fact] {
        var facts: [Fact] = []
        if let end = entry.closeReason {
            facts.append(Fact("last_outcome", .text(end.code), end.words))
            facts.append(.ago("outcome_age", entry.changed, at: self.now, "that was"))
            if entry.sameOutcomes > 1 {
                facts.append(
                    .count("same_outcomes", entry.sameOutcomes, "\(entry.sameOutcomes) times in a row"))
            }
            if entry.furthest > .connected {
                facts.append(
                    Fact("furthest_stage", .text(entry.furthest.code), "got as far as \(entry.furthest.code)")
                )
            }
            if let retry = entry.retryAt, retry > self.now {
                facts.append(.until("retry_in", retry, at: self.now, "next try in"))
            }
        }
        switch reason {
        case .queued: facts += self.placeEvidence
        case .noAddressUsable:
            facts.append(.count("port", Int(entry.address.port), "port \(entry.address.port)"))
        case .dialling, .handshaking:
            facts.append(self.since("open_for", entry.changed, "opening for"))
            facts += self.pastFailure(entry.address)
        case .closedAfterHandshake where self.state == .seeding:
            facts.append(Fact("we_are_seed", .flag(true), "we are a seed, so it may be one too"))
        default: break
        }
        return facts
    }

    /// How the attempt before this one ended.
    private func pastFailure(_ address: PeerAddress) -> [Fact] {
        guard let entry = self.ledger[address], let past = entry.lastReason else { return [] }
        return [
            Fact("last_outcome", .text(past.code), "the last attempt: \(past.words)"),
            .count("same_outcomes", entry.sameOutcomes, "\(counted(entry.sameOutcomes, "time")) in a row"),
        ]
    }

    /// Which limit it waits behind.
    var placeEvidence: [Fact] {
        let counts = self.counts
        let places = [
            ("connections", counts.connections, counts.maximumConnections, "connections of this torrent"),
            (
                "session_connections", counts.sessionConnections, counts.maximumSessionConnections,
                "connections"
            ),
            ("half_open", counts.halfOpen, counts.maximumHalfOpen, "connections being opened"),
        ]
        return places.filter { $0.2 > 0 && $0.1 >= $0.2 }.map { name, used, limit, words in
            .count(name, used, "\(used) of \(limit) \(words) in use")
        }
    }
}
