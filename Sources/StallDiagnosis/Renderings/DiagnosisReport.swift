import SwarmTypes

/// All that the diagnosis says of one torrent: the verdict, and a finding for each peer.
public struct DiagnosisReport: Hashable, Sendable {
    public let torrent: TorrentSnapshot
    public let verdict: TorrentVerdict
    /// Connected peers in the snapshot's order, then those of the ledger that are not connected.
    public let findings: [PeerFinding]

    public init(_ torrent: TorrentSnapshot) {
        self.torrent = torrent
        self.verdict = diagnose(torrent)
        let connected = Set(torrent.peers.map(\.address))
        self.findings =
            torrent.peers.map { diagnose(peer: $0, in: torrent) }
            + torrent.ledger.entries.filter { !connected.contains($0.address) }
            .map { diagnose(entry: $0, in: torrent) }
    }

    /// With the same reason, the most frequent reason first.
    var groups: [(contributor: Contributor, findings: [PeerFinding])] {
        let byReason = Dictionary(grouping: self.findings, by: \.reason)
        return self.verdict.contributors.map { ($0, byReason[$0.reason] ?? []) }
    }
}

extension TorrentVerdict {
    /// For under the progress bar: the headline, and what to do where it is a problem.
    public var oneLine: String {
        guard self.severity == .problem, let remedy = self.remedy else { return self.headline }
        return "\(self.headline) \(remedy)"
    }
}

/// What `weir why TORRENT` prints.
extension DiagnosisReport {
    /// - Parameter examples: peers shown for each reason.
    public func lines(examples: Int = 3) -> [String] {
        let verdict = self.verdict
        var lines = [
            "\(visibleText(self.torrent.name)) (\(self.torrent.id))",
            "  \(verdict.headline)",
            "  code: \(verdict.code.code), severity: \(verdict.severity.code)",
        ]
        if !verdict.evidence.isEmpty {
            lines.append("  evidence: " + verdict.evidence.map(\.phrase).joined(separator: "; "))
        }
        lines.append("  what to do: " + (verdict.remedy ?? "nothing, this is normal"))
        lines.append("Peers: \(self.findings.count), of them \(self.torrent.peers.count) connected")
        for (group, findings) in self.groups {
            lines.append(
                "  \(group.count) × \(group.reason.code) [\(group.severity.code)]: \(group.reason.meaning)")
            if let remedy = group.reason.remedy, group.severity > .expected {
                lines.append("      what to do: \(remedy)")
            }
            for finding in findings.prefix(max(0, examples)) { lines.append("      " + finding.line) }
            if findings.count > examples {
                lines.append("      and \(findings.count - max(0, examples)) more")
            }
        }
        lines.append("Trackers: \(self.torrent.trackers.count)")
        for tracker in self.torrent.trackers { lines.append("  " + tracker.line(at: self.torrent.now)) }
        return lines
    }
}

extension TrackerSnapshot {
    /// Before its words: a tracker is quoted only with what it has said.
    var introduction: String {
        switch self.state {
        case .failing(.saidNo), .working, .announcing, .notAsked, .disabled: "it says"
        case .failing: "in detail"
        }
    }

    /// "https://tracker.example/announce: failing, it says "unregistered torrent"; 3 failures in a row".
    func line(at now: Instant) -> String {
        var parts = [self.state.words]
        if !self.words.isEmpty { parts.append("\(self.introduction): \"\(visibleText(self.words))\"") }
        if let returned = self.peersReturned {
            parts.append("\(counted(returned, "peer")) in its last answer")
        }
        if let seeds = self.seeds { parts.append(counted(seeds, "seed")) }
        if let leechers = self.leechers { parts.append(counted(leechers, "leech", "leeches")) }
        if self.failures > 0 { parts.append("\(counted(self.failures, "failure")) in a row") }
        if let next = self.nextAnnounce, next > now {
            parts.append("asked again in \(spelledDuration(now.age(at: next)))")
        }
        return "\(visibleText(self.url)): \(parts.joined(separator: "; "))"
    }
}

extension TrackerState {
    var words: String {
        switch self {
        case .notAsked: "not asked yet"
        case .announcing: "being asked"
        case .working: "works"
        case .disabled: "switched off"
        case .failing(let failure): "fails, \(failure.words)"
        }
    }

    var code: String {
        switch self {
        case .notAsked: "not_asked"
        case .announcing: "announcing"
        case .working: "working"
        case .disabled: "disabled"
        case .failing: "failing"
        }
    }
}

extension TrackerFailure {
    var words: String {
        switch self {
        case .saidNo: "it refuses"
        case .nameNotFound: "its name does not resolve"
        case .refused: "connection refused"
        case .unreachable: "unreachable"
        case .timedOut: "no answer in time"
        case .certificate: "its certificate is not valid"
        case .httpStatus(let status): "HTTP status \(status)"
        case .badAnswer: "its answer cannot be read"
        case .other: "for another reason"
        }
    }
}
