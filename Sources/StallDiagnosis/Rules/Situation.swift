import SwarmTypes

/// A snapshot with its histogram: what the torrent's rules look at. Each rule answers nil when it does not fit.
struct Situation {
    struct Draft {
        var code: VerdictCode
        var headline: String
        var evidence: [Fact]
    }

    let torrent: TorrentSnapshot
    let tally: SwarmTally
    /// Peers whose handshake is complete.
    let established: [PeerSnapshot]

    init(_ torrent: TorrentSnapshot) {
        self.torrent = torrent
        self.tally = SwarmTally(torrent)
        self.established = self.tally.established.map { torrent.peers[$0] }
    }

    /// The order is the meaning: what stops everything comes first, then what moves, then why it does not.
    func firstFitting() -> Draft {
        if let stopped = self.byState() ?? self.byDisk() { return stopped }
        let found =
            self.torrent.state == .seeding
            ? self.seedingRules()
            : self.byProgress() ?? self.byMetadata() ?? self.byConnectedPeers() ?? self.byReachingPeers()
        return found ?? self.draft(.unexplained, [self.connectedFact])
    }

    func draft(_ code: VerdictCode, _ headline: String, _ evidence: [Fact]) -> Draft {
        Draft(code: code, headline: headline, evidence: evidence)
    }

    func draft(_ code: VerdictCode, _ evidence: [Fact]) -> Draft {
        Draft(code: code, headline: code.meaning, evidence: evidence)
    }

    var now: Instant { self.torrent.now }
    var pieces: PieceCounts { self.torrent.pieces }

    var hasJustStarted: Bool { self.torrent.age(of: self.torrent.since) < DiagnosisBounds.start }

    // Facts that several verdicts show.

    var connectedFact: Fact {
        let count = self.established.count
        return .count("connected_peers", count, "\(counted(count, "peer")) connected")
    }

    var knownFact: Fact {
        .count(
            "known_peers", self.torrent.counts.known, "\(counted(self.torrent.counts.known, "peer")) known")
    }

    var missingFact: Fact {
        let count = self.pieces.missing
        return .count("missing_pieces", count, "\(counted(count, "piece")) of \(self.pieces.total) missing")
    }

    var failedFact: Fact {
        let count = self.tally.failed
        return .count("failed_peers", count, "\(counted(count, "peer")) tried in vain")
    }
}

extension Situation {
    /// Stopped by a person, by the queue or by itself.
    private func byState() -> Draft? {
        switch self.torrent.state {
        case .failed(let words):
            if let disk = self.byDisk() { return disk }
            let shown = visibleText(words)
            return self.draft(
                .torrentError, "The torrent stopped: \"\(shown)\".", [.quoted("error", words, "the error")])
        case .paused: return self.draft(.paused, [])
        case .queued(let place):
            return self.draft(.queued, [.count("queue_place", place, "place \(place) in the queue")])
        case .checking(let done):
            let total = self.pieces.total
            return self.draft(
                .checking, "The data on disk is being verified: \(spelledShare(done, of: total)).",
                [.count("checked_pieces", done, "\(done) of \(total) pieces done")])
        case .fetchingMetadata, .downloading, .seeding: return nil
        }
    }

    private func byDisk() -> Draft? {
        switch self.torrent.disk {
        case .fine, .overloaded: return nil
        case .full: return self.draft(.diskFull, [self.missingFact])
        case .readOnly: return self.draft(.diskReadOnly, [self.missingFact])
        case .filesMissing: return self.draft(.filesMissing, [])
        case .filesChanged: return self.draft(.filesChanged, [])
        case .failing(let words):
            return self.draft(
                .diskFailing, "The disk reports an error: \"\(visibleText(words))\".",
                [.quoted("error", words, "the error")])
        }
    }

    private func byProgress() -> Draft? {
        let (pieces, traffic) = (self.pieces, self.torrent.traffic)
        if self.torrent.state == .downloading, pieces.total > 0, pieces.missing <= 0 {
            return self.draft(
                .nothingWanted,
                [.count("have_pieces", pieces.have, "\(pieces.have) of \(pieces.total) pieces here")])
        }
        if let corrupt = self.byCorruption() { return corrupt }
        guard traffic.downRate > .zero, traffic.lastReceived.map(self.torrent.isRecent) ?? true else {
            return nil
        }
        let rate = Fact.rate("down_rate", traffic.downRate, "receives")
        if let cap = traffic.downCaps.first(where: \.isSaturated) {
            return self.draft(
                .limitedByCap, self.capHeadline("Receives", traffic.downRate, cap), [rate] + facts(cap))
        }
        if self.torrent.disk == .overloaded { return self.draft(.diskOverloaded, [rate]) }
        if pieces.missing > 0, pieces.missingWithOnePeer >= pieces.missing,
            traffic.downRate.bytesPerSecond < DiagnosisBounds.slowRate
        {
            return self.lastPieces(rate)
        }
        let (sending, choking) = (self.tally.count(.sending), self.tally.count(.choked, .chokedNothingGiven))
        let from = sending > 0 ? " from \(sending) of \(counted(self.established.count, "peer"))" : ""
        let rest = choking > 0 ? "; \(choking) \(choking == 1 ? "chokes" : "choke") us" : ""
        return self.draft(
            .progressing, "Receives \(spelledRate(traffic.downRate))\(from)\(rest).",
            [
                rate, self.connectedFact, .count("sending_peers", sending, "\(sending) of them send"),
                .count("choking_peers", choking, "\(choking) choke us"), self.missingFact,
            ] + self.asides)
    }

    private func byCorruption() -> Draft? {
        let (bad, good) = (self.pieces.recentlyCorrupt, self.pieces.recentlyVerified)
        guard bad >= DiagnosisBounds.corruptPieces, bad > good else { return nil }
        return self.draft(
            .corruptData,
            "What arrives is corrupt: \(counted(bad, "piece")) failed and \(good) passed in a minute.",
            [
                .count("recently_corrupt", bad, "\(counted(bad, "piece")) failed the hash check in a minute"),
                .count("recently_verified", good, "\(good) passed it"),
            ])
    }

    private func lastPieces(_ rate: Fact) -> Draft {
        var facts = [self.missingFact, rate]
        if let holder = self.pieces.onlyHolder {
            facts.append(Fact("only_holder", .text(holder.description), "only \(holder) has them"))
        }
        let words = counted(self.pieces.missing, "piece")
        return self.draft(.lastPiecesOnePeer, "The last \(words) are held by one slow peer.", facts)
    }

    func capHeadline(_ verb: String, _ rate: ByteRate, _ cap: CapSnapshot) -> String {
        "\(verb) \(spelledRate(rate)), limited by \(cap.owner.words), \(spelledRate(cap.limit))."
    }

    func facts(_ cap: CapSnapshot) -> [Fact] {
        [
            Fact("capped_by", .text(cap.owner.code), cap.owner.words),
            .rate("cap_limit", cap.limit, "allows"), .rate("cap_rate", cap.rate, "is used with"),
        ]
    }

    /// Worth a word even where all is well.
    private var asides: [Fact] {
        (self.tally.failed > 0 ? [self.failedFact] : [])
            + (self.pieces.missingWithNobody > 0 ? [self.withNobodyFact] : [])
    }
}
