import SwarmTypes

extension DiagnosisReport {
    /// For `weir why --json`. Names and codes are stable.
    public var tree: ReportValue {
        let torrent = self.torrent
        return .record([
            "id": .text(torrent.id.hex), "name": .text(torrent.name), "state": .text(torrent.state.code),
            "verdict": self.verdict.tree,
            "pieces": .record([
                "total": .count(torrent.pieces.total), "have": .count(torrent.pieces.have),
                "missing": .count(torrent.pieces.missing),
                "missing_with_nobody": .count(torrent.pieces.missingWithNobody),
            ]),
            "rates": .record([
                "down": .integer(torrent.traffic.downRate.bytesPerSecond),
                "up": .integer(torrent.traffic.upRate.bytesPerSecond),
            ]),
            "peers": .list(zip(torrent.peers, self.findings).map { $0.tree($1, at: torrent.now) }),
            "not_connected": .list(
                self.findings.dropFirst(torrent.peers.count).map { finding in
                    torrent.ledger[finding.address]?.tree(finding, at: torrent.now) ?? finding.tree
                }),
            "trackers": .list(torrent.trackers.map { $0.tree(at: torrent.now) }),
            "closures": .record(
                torrent.ledger.closures.sorted { $0.key < $1.key }
                    .map { ReportValue.Member(name: $0.key, value: .count($0.value)) }),
        ])
    }
}

extension TorrentVerdict {
    /// Code, severity, headline, evidence, remedy and contributors.
    public var tree: ReportValue {
        .record([
            "code": .text(self.code.code), "severity": .text(self.severity.code),
            "headline": .text(self.headline), "evidence": .list(self.evidence.map(\.tree)),
            "remedy": .text(self.remedy),
            "contributors": .list(
                self.contributors.map { group in
                    .record([
                        "reason": .text(group.reason.code), "count": .count(group.count),
                        "severity": .text(group.severity.code), "example": .text(group.example.description),
                    ])
                }),
        ])
    }
}

extension PeerFinding {
    /// Address, reason, severity, evidence and remedy.
    public var tree: ReportValue { .record(self.members) }

    fileprivate var members: [ReportValue.Member] {
        let members: KeyValuePairs<String, ReportValue> = [
            "address": .text(self.address.description), "reason": .text(self.reason.code),
            "severity": .text(self.severity.code), "evidence": .list(self.evidence.map(\.tree)),
            "remedy": .text(self.remedy),
        ]
        return members.map { ReportValue.Member(name: $0.key, value: $0.value) }
    }
}

extension PeerSnapshot {
    fileprivate func tree(_ finding: PeerFinding, at now: Instant) -> ReportValue {
        let members: KeyValuePairs<String, ReportValue> = [
            "client": .text(self.clientName), "source": .text(self.source.rawValue),
            "direction": .text(self.direction.rawValue), "transport": .text(self.transport.rawValue),
            "stage": .text(self.stage.code), "connected_for": .seconds(self.since.age(at: now)),
            "they_choke": .flag(self.theyChoke.isSet), "we_interested": .flag(self.weInterested.isSet),
            "we_choke": .flag(self.weChoke.isSet), "they_interested": .flag(self.theyInterested.isSet),
            "pieces": .count(self.hasBitfield ? self.pieceCount : nil),
            "needed_pieces": .count(self.neededPieceCount),
            "pending_requests": .count(self.outstandingRequests), "can_download": .flag(self.canDownload),
            "last_activity": .seconds(self.lastActivity.age(at: now)),
            "down_rate": .integer(self.downRate.bytesPerSecond),
            "up_rate": .integer(self.upRate.bytesPerSecond),
            "bytes_down": .integer(self.bytesDown), "bytes_up": .integer(self.bytesUp),
        ]
        return .record(finding.members + members.map { ReportValue.Member(name: $0.key, value: $0.value) })
    }
}

extension PeerLedgerEntry {
    fileprivate func tree(_ finding: PeerFinding, at now: Instant) -> ReportValue {
        let members: KeyValuePairs<String, ReportValue> = [
            "source": .text(self.source.rawValue), "direction": .text(self.direction?.rawValue),
            "transport": .text(self.transport.rawValue), "furthest_stage": .text(self.furthest.code),
            "last_outcome": .text(self.lastReason?.code), "same_outcomes": .count(self.sameOutcomes),
            "changed": .seconds(self.changed.age(at: now)), "attempts": .count(self.attempts),
            "retry_in": .seconds(self.retryAt.map { now.age(at: $0) }),
            "times_unchoked": .count(self.timesUnchoked), "bytes_down": .integer(self.bytesDown),
            "bytes_up": .integer(self.bytesUp),
        ]
        return .record(finding.members + members.map { ReportValue.Member(name: $0.key, value: $0.value) })
    }
}

extension TrackerSnapshot {
    fileprivate func tree(at now: Instant) -> ReportValue {
        .record([
            "url": .text(self.url), "state": .text(self.state.code),
            "code": .text(self.verdictCode?.code), "words": .text(self.words),
            "peers_returned": .count(self.peersReturned), "seeds": .count(self.seeds),
            "leechers": .count(self.leechers), "failures": .count(self.failures),
            "announce_in": .seconds(self.nextAnnounce.map { now.age(at: $0) }),
        ])
    }
}

extension TorrentState {
    var code: String {
        switch self {
        case .paused: "paused"
        case .queued: "queued"
        case .checking: "checking"
        case .fetchingMetadata: "fetching_metadata"
        case .downloading: "downloading"
        case .seeding: "seeding"
        case .failed: "failed"
        }
    }
}
