import SwarmTypes

/// Peers are connected, we download, and nothing comes.
extension Situation {
    func byConnectedPeers() -> Draft? {
        guard self.torrent.state == .downloading, !self.established.isEmpty else { return nil }
        return self.byBitfields() ?? self.byAvailability() ?? self.byInterest() ?? self.byChoke()
            ?? self.byRequests()
    }

    private func byBitfields() -> Draft? {
        guard !self.established.contains(where: \.hasBitfield) else { return nil }
        let oldest = self.established.map(\.since).min() ?? self.now
        let count = self.established.count
        let facts = [
            self.connectedFact,
            .age("without_bitfield_for", of: oldest, at: self.now, "none said what it has, the first for"),
        ]
        guard self.torrent.age(of: oldest) >= DiagnosisBounds.bitfieldProblem else {
            return self.draft(.waitingForBitfields, facts)
        }
        let headline =
            count == 1
            ? "The only connected peer does not say what it has."
            : "None of the \(count) connected peers says what it has."
        return self.draft(.noBitfields, headline, facts)
    }

    /// Nobody connected has anything that we need.
    private func byAvailability() -> Draft? {
        guard !self.established.contains(where: { $0.neededPieceCount > 0 }) else { return nil }
        let fresh = self.established.filter { peer in
            !peer.hasBitfield && self.torrent.age(of: peer.since) < DiagnosisBounds.bitfieldExpected
        }
        if !fresh.isEmpty {
            return self.draft(
                .waitingForBitfields,
                [self.connectedFact, .count("fresh_peers", fresh.count, "\(fresh.count) just came")])
        }
        if self.hasJustStarted, self.tally.opening > 0 || self.tally.untried > 0 {
            return self.draft(.connecting, [self.connectedFact, self.openingFact])
        }
        var facts = [self.connectedFact, self.missingFact, self.withNobodyFact]
        let seeds = self.torrent.trackers.compactMap(\.seeds).max() ?? 0
        let words = counted(self.pieces.missing, "missing piece")
        guard seeds > 0 else {
            return self.draft(.missingPieces, "No connected peer has any of the \(words).", facts)
        }
        facts.append(.count("tracker_seeds", seeds, "the tracker counts \(counted(seeds, "seed"))"))
        facts.append(self.failedFact)
        return self.draft(
            .seedsNotReached,
            "No connected peer has any of the \(words); the tracker counts \(counted(seeds, "seed")).", facts)
    }

    var withNobodyFact: Fact {
        let count = self.pieces.missingWithNobody
        let some = self.pieces.examplesWithNobody.prefix(5).map(String.init).joined(separator: ", ")
        let phrase = "\(counted(count, "piece")) with nobody connected" + (some.isEmpty ? "" : " (\(some) …)")
        return .count("pieces_with_nobody", count, phrase)
    }

    private var useful: [PeerSnapshot] { self.established.filter { $0.neededPieceCount > 0 } }

    private var usefulFact: Fact {
        let count = self.useful.count
        return .count("useful_peers", count, "\(count) of them \(count == 1 ? "has" : "have") what we need")
    }

    private func byInterest() -> Draft? {
        let useful = self.useful
        guard !useful.contains(where: \.weInterested.isSet) else { return nil }
        let facts = [self.connectedFact, self.usefulFact]
        let isLate = useful.contains {
            self.torrent.age(of: $0.weInterested.since) >= DiagnosisBounds.request
        }
        return isLate
            ? self.draft(.notInterested, facts)
            : self.draft(.waitingForUnchoke, "Peers with what we need have just connected.", facts)
    }

    private func byChoke() -> Draft? {
        let asked = self.useful.filter(\.weInterested.isSet)
        guard asked.allSatisfy(\.theyChoke.isSet) else { return nil }
        let ages = asked.map { self.torrent.age(of: $0.theyChoke.since) }
        let oldest = ages.max() ?? 0
        // Slots go round: who had one a moment ago will have one again.
        let lastSlot = asked.filter { $0.timesUnchokedUs > 0 }
            .map { self.torrent.age(of: $0.theyChoke.since) }.min()
        let given = asked.reduce(Int64(0)) { $0.addingReportingOverflow(max(0, $1.bytesUp)).partialValue }
        let facts = [
            self.connectedFact, self.usefulFact,
            .count(
                "choking_peers", asked.count,
                "\(asked.count) of these \(asked.count == 1 ? "chokes" : "choke") us"),
            Fact("longest_choke", .seconds(oldest), "the longest for \(spelledDuration(oldest))"),
            Fact("bytes_up", .bytes(given), "we gave them \(spelledBytes(given))"),
        ]
        let who = asked.count == 1 ? "The only peer" : "Each of the \(asked.count) peers"
        if let lastSlot, lastSlot < DiagnosisBounds.unchokeProblem {
            return self.draft(
                .waitingForUnchoke,
                "\(who) with what we need chokes us now; the last slot ended \(spelledDuration(lastSlot)) ago.",
                facts)
        }
        guard oldest >= DiagnosisBounds.unchokeProblem else {
            return self.draft(
                .waitingForUnchoke,
                "\(who) with what we need chokes us still, the longest for \(spelledDuration(oldest)); "
                    + "up to 5 min are normal.", facts)
        }
        let leeches = asked.filter { $0.pieceCount < self.pieces.total }
        let code: VerdictCode =
            given == 0 && self.pieces.have > 0 && !leeches.isEmpty ? .chokedNothingGiven : .allChoked
        let tail = code == .allChoked ? "" : ", and we have given nothing"
        return self.draft(
            code, "\(who) with what we need chokes us, the longest for \(spelledDuration(oldest))\(tail).",
            facts)
    }

    /// At least one peer would send.
    private func byRequests() -> Draft? {
        let open = self.useful.filter(\.canDownload)
        guard !open.isEmpty else { return nil }
        let outstanding = open.reduce(0) { $0 &+ max(0, $1.outstandingRequests) }
        let timeouts = self.torrent.traffic.requestsTimedOut
        let facts = [
            self.connectedFact, .count("unchoking_peers", open.count, "\(open.count) would send"),
            .count("outstanding_requests", outstanding, "\(counted(outstanding, "request")) out"),
            .count("timeouts", timeouts, "\(counted(timeouts, "request")) timed out so far"),
        ]
        let reasons = open.map { self.torrent.classifyReceiving(from: $0) }
        func has(_ reason: PeerReason) -> Bool { reasons.contains { $0.reason == reason } }

        if has(.rateLimited) { return self.byCap(facts, open) }
        if has(.diskBusy) || self.torrent.disk == .overloaded { return self.draft(.diskOverloaded, facts) }
        // Blocks that come late are late for all: the line, not one peer.
        let mostTimeOut = timeouts >= 10 && timeouts > self.torrent.traffic.blocksReceived
        let isFresh = reasons.contains { $0.severity == .expected }
        if isFresh, !mostTimeOut {
            return outstanding > 0
                ? self.draft(.requestsOnTheWay, facts)
                : self.draft(.requestsOnTheWay, "Peers would send, and are about to be asked.", facts)
        }
        if has(.snubbed) || mostTimeOut { return self.draft(.requestsTimeOut, facts) }
        if has(.rejecting) { return self.draft(.allRejecting, facts + self.rejectFacts(open)) }
        if has(.socketIdle) { return self.draft(.peersSilent, facts) }
        if has(.requestsOutstanding) { return self.draft(.requestsOnTheWay, facts) }
        return self.draft(.nothingRequested, facts)
    }

    private func byCap(_ base: [Fact], _ open: [PeerSnapshot]) -> Draft {
        let caps = self.torrent.traffic.downCaps
        if let cap = caps.first(where: \.isSaturated) ?? caps.first {
            return self.draft(
                .limitedByCap, self.capHeadline("Receives", self.torrent.traffic.downRate, cap),
                base + self.facts(cap))
        }
        for case .cap(let owner) in open.map(\.downWait) {
            return self.draft(
                .limitedByCap, "Requests wait for \(owner.words).",
                base + [Fact("capped_by", .text(owner.code), owner.words)])
        }
        return self.draft(.limitedByCap, base)
    }

    private func rejectFacts(_ open: [PeerSnapshot]) -> [Fact] {
        let count = open.reduce(0) { $0 &+ max(0, $1.rejects) }
        return [.count("rejects", count, "\(counted(count, "reject"))")]
    }

    var openingFact: Fact {
        .count("opening_peers", self.tally.opening, "\(self.tally.opening) being opened")
    }
}

/// A magnet link's metadata (BEP 9).
extension Situation {
    func byMetadata() -> Draft? {
        guard self.torrent.state == .fetchingMetadata, !self.established.isEmpty else { return nil }
        let peers = self.established
        func count(_ fits: (MetadataOffer) -> Bool) -> Int { peers.count { fits($0.metadata) } }
        let (none, rejected) = (count { $0 == .none }, count { $0 == .rejected })
        let bad = self.tally.failureCount(.badMetadata)
        let facts = [
            self.connectedFact, Fact.count("without_metadata", none, "\(none) cannot give it"),
            .count("metadata_rejected", rejected, "\(rejected) rejected"),
            .count("metadata_bad", bad, "\(bad) sent wrong ones"),
        ]
        let reasons = peers.map { self.torrent.classifyReceiving(from: $0) }
        if reasons.contains(where: { $0.severity == .expected }) {
            return self.draft(.metadataOnTheWay, facts)
        }
        if bad > 0, bad >= peers.count { return self.draft(.metadataCorrupt, facts) }
        if none == peers.count { return self.draft(.metadataNotOffered, facts) }
        if none + rejected == peers.count { return self.draft(.metadataRefused, facts) }
        return self.draft(.metadataSilent, facts)
    }
}
