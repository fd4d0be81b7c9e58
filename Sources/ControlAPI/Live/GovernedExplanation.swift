public import JSONValues
import SwarmTypes
import TorrentCatalog

/// Why a governed torrent uploads as fast as it does, as far as Weir can know from outside its qBittorrent.
public struct GovernedExplanation: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable { case expected, watch, problem }

    /// Stable.
    public var code: String
    public var severity: Severity
    public var headline: String
    public var evidence: [String] = []
    public var remedy: String?
    public var row: GovernedRow
    /// The newest first.
    public var changes: [HistoryEntry]

    /// A torrent that uses so much of its limit is held by it: qBittorrent's own figure swings.
    private static let heldPart = 0.9

    /// - Parameters:
    ///   - changes: of this torrent, the newest first.
    ///   - now: Seconds since 1970.
    public init(
        _ row: GovernedRow, _ situation: GovernorSituation, changes: [HistoryEntry], at now: Double
    ) {
        self.row = row
        self.changes = changes
        let tracker = row.tracker.flatMap { id in situation.trackers.first { $0.id == id } }
        let instance = situation.instances.first { $0.name == row.instance }
        (self.code, self.severity, self.headline, self.remedy) = Self.verdict(
            row, tracker, instance, situation.health)
        self.evidence = Self.evidence(row, tracker, changes, at: now)
    }

    private typealias Verdict = (code: String, severity: Severity, headline: String, remedy: String?)

    private static func verdict(
        _ row: GovernedRow, _ tracker: TrackerReport?, _ instance: InstanceReport?, _ health: HealthReport
    ) -> Verdict {
        let name = tracker?.name ?? "its tracker"
        if !row.isCurrent {
            return (
                "instance_away", .problem,
                "\(row.instance) does not answer: what Weir shows of this torrent is old, and its limit stays.",
                instance?.problem ?? "Look whether \(row.instance) runs and lets Weir in."
            )
        }
        switch row.reason {
        case .userLimit:
            return (
                "user_limit", .expected,
                "You have limited it to \(spelled(row.limit)) yourself, which is within the cap of \(name); Weir respects that.",
                "To hand it back to Weir, set its upload limit to unlimited in \(row.instance)."
            )
        case .noCap, .uncapped:
            return (
                "no_cap", .expected,
                "\(name) has no cap: Weir leaves its limit (\(spelled(row.limit))) alone.", nil
            )
        case .outsideRollout, .leftRollout:
            return (
                "outside_rollout", .expected,
                "It is not part of the rollout (\(health.rolloutPercentage) % of the torrents): its limit is its own.",
                "`weir` governs more of them with a greater rollout_percentage."
            )
        case .stopped:
            return (
                "stopped", .expected, "It is stopped or broken in \(row.instance), and cannot upload.", nil
            )
        case .unplaced:
            return (
                "unplaced", .watch, "Weir does not know yet which tracker it belongs to.",
                "It is looked at again with the next poll; `weir match URL` shows what its tracker matches."
            )
        case .waiting where health.isPaused, .given where health.isPaused, .rollback, .inactive:
            return (
                "not_governed", .watch,
                "Weir is paused, or has given its own limit back: it may upload \(spelled(row.limit)).",
                "`weir resume` governs it again."
            )
        case .waiting:
            return (
                "waiting", .watch, "It waits for its share of the cap of \(name).",
                "It comes with the next poll."
            )
        default: return self.given(row, tracker, name)
        }
    }

    private static func given(_ row: GovernedRow, _ tracker: TrackerReport?, _ name: String) -> Verdict {
        let rate = spelled(row.rate)
        guard let limit = row.limit.rate else {
            return ("unlimited", .watch, "It has no limit at this moment; the next poll gives it one.", nil)
        }
        if Double(row.rate.bytesPerSecond) >= self.heldPart * Double(limit.bytesPerSecond) {
            let isFull = tracker.map { isFilled($0.effectiveCap, by: $0.uploadRate) } ?? false
            return (
                "held_by_cap", .expected,
                isFull
                    ? "The cap of \(name) holds it: all of the cap is used, and \(rate) of it are this torrent's share."
                    : "Its limit holds it (\(rate) of \(spelled(row.limit))), though \(name) does not use all of its cap at this moment.",
                isFull
                    ? "If it is to upload more, raise max_upload_speed of \(name), or its priority, in the configuration."
                    : "Weir moves the shares to those that use them, a little with each cycle: wait for one or two."
            )
        }
        if row.rate == .zero {
            return (
                "no_demand", .expected,
                row.leeches == 0
                    ? "It uploads nothing, and not because of a cap: no peer that misses pieces is connected."
                    : "It uploads nothing, and not because of a cap: its \(row.leeches) peers take nothing at this moment.",
                nil
            )
        }
        return (
            "below_limit", .expected,
            "No cap holds it: it uploads \(rate) and may upload \(spelled(row.limit)). Its peers take no more, or qBittorrent's own limits hold it.",
            nil
        )
    }

    private static func evidence(
        _ row: GovernedRow, _ tracker: TrackerReport?, _ changes: [HistoryEntry], at now: Double
    ) -> [String] {
        var evidence = ["its limit: \(spelled(row.limit)), \(row.reason.meaning)"]
        if let tracker {
            var line = "\(tracker.name): cap \(spelled(tracker.cap))"
            if tracker.effectiveCap > tracker.cap {
                line += ", with what it borrows \(spelled(tracker.effectiveCap))"
            } else if tracker.effectiveCap < tracker.cap {
                line +=
                    ", of it given out \(spelled(tracker.effectiveCap)) (the rest is lent, or kept free because clients overshoot)"
            }
            line +=
                ", used \(spelled(tracker.uploadRate)) by \(tracker.activeTorrents) of \(tracker.torrents) torrents"
            evidence.append(line)
        }
        evidence.append("connected to it: \(row.seeds) seeds, and \(row.leeches) peers that miss pieces")
        if let original = row.original { evidence.append("before Weir its limit was \(spelled(original))") }
        if let last = changes.first {
            let words = GovernedReason(rawValue: last.reason)?.meaning ?? last.reason
            let age = seconds(max(0, now - last.at))
            evidence.append("\(age) s ago: \(spelled(last.from)) became \(spelled(last.to)) (\(words))")
        }
        return evidence
    }

    /// What `weir why` prints. The caller makes foreign text harmless.
    public var lines: [String] {
        var lines = [
            "\(self.row.name.isEmpty ? self.row.id.hex : self.row.name) (\(self.row.id.hex)) in \(self.row.instance)",
            "  \(self.headline)", "  code: \(self.code), severity: \(self.severity.rawValue)",
        ]
        for one in self.evidence { lines.append("  evidence: \(one)") }
        lines.append("  what to do: " + (self.remedy ?? "nothing, this is normal"))
        return lines
    }
}

private func isFilled(_ cap: UploadLimit, by rate: ByteRate) -> Bool {
    guard let cap = cap.rate else { return false }
    return Double(rate.bytesPerSecond) >= 0.85 * Double(cap.bytesPerSecond)
}

private func spelled(_ rate: ByteRate) -> String {
    spelled(.bytesPerSecond(rate.bytesPerSecond))
}

extension GovernedExplanation {
    /// For `weir why --json` and the page.
    public func write(to json: inout JSONWriter) {
        json.member("kind", "governed")
        json.member("id", self.row.id.hex)
        json.member("name", self.row.name)
        json.member("instance", self.row.instance)
        json.member("state", self.row.state.rawValue)
        json.member("tracker", self.row.tracker)
        json.member(
            "verdict",
            object: { json in
                json.member("code", self.code)
                json.member("severity", self.severity.rawValue)
                json.member("headline", self.headline)
                json.member("evidence", self.evidence)
                json.member("remedy", self.remedy)
            })
        json.member("reason", self.row.reason.rawValue)
        json.member("up", self.row.rate.bytesPerSecond)
        json.member("limit", bytesPerSecond: self.row.limit)
        json.name("original")
        if let original = self.row.original {
            json.integer(original.rate?.bytesPerSecond ?? -1)
        } else {
            json.null()
        }
        json.member("leechers", Int(self.row.leeches))
        json.member("seeds", Int(self.row.seeds))
        json.member(
            "changes",
            array: { json in
                for change in self.changes {
                    json.object { json in
                        json.member("at", change.at)
                        json.member("from", bytesPerSecond: change.from)
                        json.member("to", bytesPerSecond: change.to)
                        json.member("reason", change.reason)
                        json.member(
                            "meaning", GovernedReason(rawValue: change.reason)?.meaning ?? change.reason)
                        json.member("state", change.state.rawValue)
                    }
                }
            })
    }

    static let schema = Schema.object([
        "kind": .choice(["governed"]), "id": .string, "name": .string, "instance": .string, "state": .string,
        "tracker": .nullable(.string),
        "verdict": .object([
            "code": .string, "severity": .choice(["expected", "watch", "problem"]), "headline": .string,
            "evidence": .array(.string), "remedy": .nullable(.string),
        ]),
        "reason": .choice(GovernedReason.allCases.map(\.rawValue)), "up": .integer, "limit": .integer,
        "original": .nullable(.integer), "leechers": .integer, "seeds": .integer,
        "changes": .array(
            .object([
                "at": .number, "from": .integer, "to": .integer, "reason": .string, "meaning": .string,
                "state": .string,
            ])),
    ])
}
