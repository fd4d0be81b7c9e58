import SwarmTypes

/// Nobody is known: what the sources of peers say.
extension Situation {
    func bySources() -> Draft {
        let trackers = self.torrent.trackers.filter { $0.state != .disabled }
        guard let tracker = trackers.first else { return self.withoutTracker() }
        if trackers.contains(where: { $0.state == .working }) { return self.emptyAnswer(trackers) }
        if let failed = self.byTrackerFailure() { return failed }
        return self.draft(.trackerNotAsked, [Fact("tracker", .text(tracker.url), visibleText(tracker.url))])
    }

    private func withoutTracker() -> Draft {
        let session = self.torrent.session
        if self.torrent.isPrivate { return self.draft(.privateWithoutTracker, [self.knownFact]) }
        if let nodes = session.dhtNodes {
            let fact = Fact.count("dht_nodes", nodes, counted(nodes, "DHT node"))
            return nodes <= 5
                ? self.draft(.dhtNotReady, [fact]) : self.draft(.nobodyFound, [fact, self.knownFact])
        }
        if session.hasLocalDiscovery { return self.draft(.nobodyFound, [self.knownFact]) }
        return self.draft(.noPeerSource, [self.knownFact])
    }

    private func emptyAnswer(_ trackers: [TrackerSnapshot]) -> Draft {
        let working = trackers.filter { $0.state == .working }
        let returned = working.compactMap(\.peersReturned).max() ?? 0
        var facts = [
            Fact.count("peers_returned", returned, "\(counted(returned, "peer")) in the last answer")
        ]
        for tracker in working.prefix(1) { facts += self.facts(tracker) }
        return self.draft(.trackerReturnedNone, facts)
    }

    /// The failure that says most, when no tracker works.
    func byTrackerFailure() -> Draft? {
        let trackers = self.torrent.trackers.filter { $0.state != .disabled }
        guard !trackers.contains(where: { $0.state == .working }) else { return nil }
        var best: (rank: Int, code: VerdictCode, tracker: TrackerSnapshot)?
        for tracker in trackers {
            guard let code = tracker.verdictCode,
                let rank = Self.trackerCodes.firstIndex(of: code), rank < best?.rank ?? .max
            else { continue }
            best = (rank, code, tracker)
        }
        guard let best else { return nil }
        let (tracker, code) = (best.tracker, best.code)
        let facts = self.facts(tracker)
        let isNetwork = best.rank >= Self.firstNetworkCode
        if isNetwork, tracker.failures >= DiagnosisBounds.backoffFailures, let next = tracker.nextAnnounce,
            self.now.age(at: next) >= DiagnosisBounds.backoffSeconds
        {
            return self.draft(
                .trackerBackingOff,
                "The tracker failed \(tracker.failures) times; it is asked again in "
                    + "\(spelledDuration(self.now.age(at: next))).", facts)
        }
        guard !tracker.words.isEmpty else { return self.draft(code, facts) }
        return self.draft(code, "\(code.meaning.dropLast()): \"\(visibleText(tracker.words))\".", facts)
    }

    /// Most telling first.
    private static let trackerCodes: [VerdictCode] = [
        .trackerUnregistered, .trackerRefusesClient, .trackerRefusesAccount, .trackerSaysNo,
        .trackerHTTPError,
        .trackerBadAnswer, .trackerCertificate, .trackerNameNotFound, .trackerTimedOut, .trackerUnreachable,
    ]
    private static let firstNetworkCode = 4

    func facts(_ tracker: TrackerSnapshot) -> [Fact] {
        var facts = [Fact("tracker", .text(tracker.url), visibleText(tracker.url))]
        if !tracker.words.isEmpty {
            facts.append(.quoted("tracker_words", tracker.words, tracker.introduction))
        }
        if case .failing(.httpStatus(let status)) = tracker.state {
            facts.append(.count("http_status", status, "HTTP status \(status)"))
        }
        if tracker.failures > 0 {
            facts.append(
                .count(
                    "tracker_failures", tracker.failures, "\(counted(tracker.failures, "failure")) in a row"))
        }
        if let next = tracker.nextAnnounce, next > self.now {
            facts.append(.until("announce_in", next, at: self.now, "asked again in"))
        }
        return facts
    }
}

extension TrackerSnapshot {
    /// Nil unless it fails.
    var verdictCode: VerdictCode? {
        guard case .failing(let failure) = self.state else { return nil }
        switch failure {
        case .saidNo:
            switch TrackerComplaint(self.words) {
            case .unregistered: return .trackerUnregistered
            case .refusesClient: return .trackerRefusesClient
            case .refusesAccount: return .trackerRefusesAccount
            case .other: return .trackerSaysNo
            }
        case .nameNotFound: return .trackerNameNotFound
        case .refused, .unreachable, .other: return .trackerUnreachable
        case .timedOut: return .trackerTimedOut
        case .certificate: return .trackerCertificate
        case .httpStatus: return .trackerHTTPError
        case .badAnswer: return .trackerBadAnswer
        }
    }
}
