import SwarmTypes

/// We have everything: what goes out, and why it does not.
extension Situation {
    func seedingRules() -> Draft? {
        if let moving = self.byUploading() { return moving }
        if let complaint = self.byComplaint() { return complaint }
        return self.established.isEmpty ? self.withoutLeeches() : self.byLeeches()
    }

    private func byUploading() -> Draft? {
        let traffic = self.torrent.traffic
        guard traffic.upRate > .zero, traffic.lastSent.map(self.torrent.isRecent) ?? true else { return nil }
        let rate = Fact.rate("up_rate", traffic.upRate, "sends")
        if let cap = traffic.upCaps.first(where: \.isSaturated) {
            return self.draft(
                .uploadCapped, self.capHeadline("Sends", traffic.upRate, cap), [rate] + self.facts(cap))
        }
        let taking = self.tally.count(.receiving)
        let to = taking > 0 ? " to \(taking) of \(counted(self.established.count, "peer"))" : ""
        return self.draft(
            .uploading, "Sends \(spelledRate(traffic.upRate))\(to).",
            [rate, self.connectedFact, .count("taking_peers", taking, "\(taking) of them take it")])
    }

    /// A tracker that refuses us sends nobody here, and does not count what we give.
    func byComplaint() -> Draft? {
        guard let draft = self.byTrackerFailure() else { return nil }
        switch draft.code {
        case .trackerUnregistered, .trackerRefusesClient, .trackerRefusesAccount, .trackerSaysNo: return draft
        default: return nil
        }
    }

    private func byLeeches() -> Draft? {
        let peers = self.established
        let found = peers.map { self.torrent.classifySending(to: $0).reason }
        let leeches = found.count { $0 != .peerIsSeed }
        let wanting = found.count { $0 != .peerIsSeed && $0 != .notInterested }
        let facts = [
            self.connectedFact, Fact.count("leeches", leeches, "\(leeches) of them not complete"),
            .count("interested_peers", wanting, "\(wanting) interested"),
        ]
        if leeches == 0 { return self.draft(.allPeersSeeds, facts) }
        if wanting == 0 { return self.draft(.nobodyInterested, facts) }
        func has(_ reason: PeerReason) -> Bool { found.contains(reason) }
        if has(.capped) { return self.byUploadCap(facts) }
        if has(.readingDisk) { return self.draft(.readingDisk, facts) }
        if has(.sendBufferFull) { return self.draft(.peersReadSlowly, facts) }
        if has(.receiving) { return self.draft(.uploading, facts) }
        if has(.requestNotServed) { return self.byUnservedRequests(facts) }
        if has(.noRequest) { return self.draft(.nobodyAsks, facts) }
        let counts = self.torrent.counts
        return self.draft(
            .noUploadSlot,
            "\(counted(wanting, "peer")) waiting for one of \(counts.uploadSlots) upload slots.",
            facts + [.count("upload_slots", counts.uploadSlots, counted(counts.uploadSlots, "upload slot"))])
    }

    private func byUploadCap(_ base: [Fact]) -> Draft {
        let caps = self.torrent.traffic.upCaps
        guard let cap = caps.first(where: \.isSaturated) ?? caps.first else {
            return self.draft(.uploadCapped, base)
        }
        return self.draft(
            .uploadCapped, self.capHeadline("Sends", self.torrent.traffic.upRate, cap), base + self.facts(cap)
        )
    }

    /// A request that has just come is about to be served.
    private func byUnservedRequests(_ base: [Fact]) -> Draft {
        let isOld = self.established.contains { peer in
            let found = self.torrent.classifySending(to: peer)
            return found.reason == .requestNotServed && found.severity > .expected
        }
        return self.draft(isOld ? .requestsNotServed : .aboutToSend, base)
    }

    private func withoutLeeches() -> Draft? {
        switch self.torrent.session.listening {
        case .portInUse(let port):
            return self.draft(
                .portInUse, "Another program uses the listening port \(port).",
                [.count("port", Int(port), "port \(port)")])
        case .failed(let words): return self.draft(.notListening, [.quoted("error", words, "the error")])
        case .off, .open: break
        }
        if self.torrent.session.isOutOfDescriptors { return self.byReachingPeers() }
        if self.tally.firstAttempts > 0 {
            return self.draft(.connecting, [self.knownFact, self.openingFact])
        }
        if let failed = self.byTrackerFailure() { return failed }
        let leeches = self.torrent.trackers.compactMap(\.leechers).max()
        let fact = leeches.map {
            Fact.count("tracker_leeches", $0, "the tracker counts \(counted($0, "leech", "leeches"))")
        }
        if leeches == 0 { return self.draft(.nobodyWantsIt, [fact].compactMap(\.self)) }
        if self.leftAsSeeds > 0, self.leftAsSeeds >= self.tally.failed {
            return self.draft(
                .allPeersSeeds,
                [.count("seeds_left", self.leftAsSeeds, "\(self.leftAsSeeds) left again, being seeds")])
        }
        let isWanted = (leeches ?? 0) > 0 || self.tally.failed > 0
        if isWanted, !self.torrent.session.hadIncoming { return self.unreachedByLeeches(fact) }
        if self.tally.failed > 0 { return self.byReachingPeers() }
        if let first = self.torrent.trackers.first, first.state == .notAsked || first.state == .announcing {
            return self.draft(.trackerNotAsked, [Fact("tracker", .text(first.url), visibleText(first.url))])
        }
        return self.draft(.waitingForLeeches, [fact].compactMap(\.self) + [self.knownFact])
    }

    private var leftAsSeeds: Int { self.tally.seedsThatLeft + self.tally.failureCount(.closedAfterHandshake) }

    private func unreachedByLeeches(_ leeches: Fact?) -> Draft {
        guard case .open(let port) = self.torrent.session.listening else {
            return self.draft(.notListening, [Fact("listening", .flag(false), "no port is open")])
        }
        let facts = [
            leeches, .count("port", Int(port), "listening on \(port)"), self.torrent.session.mapping.fact,
            self.failedFact,
        ]
        return self.draft(.notConnectable, facts.compactMap(\.self))
    }
}
