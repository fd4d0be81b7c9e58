import JSONValues
import LimitPlanning
import ServiceAssembly
import SwarmTypes
import WeirSettings

/// A plan for people and programs.
struct PlanListing: Sendable {
    struct Tracker: Sendable {
        var id: String
        var baseCap: UploadLimit
        var effectiveCap: UploadLimit
        /// Nil where a running Weir does not tell.
        var sumBefore: UploadLimit?
        var sumAfter: UploadLimit?

        var borrowed: Int64 {
            guard let base = self.baseCap.rate, let effective = self.effectiveCap.rate else { return 0 }
            return max(0, effective.bytesPerSecond - base.bytesPerSecond)
        }
    }

    struct Change: Sendable {
        var hash: String
        var instance: String
        var tracker: String
        var from: UploadLimit
        var to: UploadLimit
        var reason: String
    }

    var strategy: String
    var considered: Int
    var trackers: [Tracker]
    var changes: [Change]
    var calls: [(limit: UploadLimit, count: Int)]
    /// Of all torrents, so many are governed.
    var rolloutPercentage = 100
    /// What the next plan from a snapshot is to be given.
    var state: PlanningState?
    /// Each torrent's hash as the snapshot spells it.
    var spellings: [TorrentKey: String] = [:]

    init(
        _ plan: Plan, _ settings: Settings, spellings: [TorrentKey: String] = [:], state: PlanningState? = nil
    ) {
        let names = settings.instances.map(\.name)
        let ids = settings.trackers.map(\.id)
        self.spellings = spellings
        self.state = state
        self.strategy = plan.strategy.rawValue
        self.considered = plan.considered
        self.rolloutPercentage = settings.global.rolloutPercentage
        self.trackers = plan.trackers.map { tracker in
            Tracker(
                id: tracker.id, baseCap: tracker.baseCap, effectiveCap: tracker.effectiveCap,
                sumBefore: tracker.sumBefore, sumAfter: tracker.sumAfter)
        }
        self.changes = plan.changes.map { change in
            let place = Int(change.key.instance.rawValue)
            return Change(
                hash: spellings[change.key] ?? change.key.id.hex,
                instance: names.indices.contains(place) ? names[place] : "",
                tracker: ids.indices.contains(change.tracker) ? ids[change.tracker] : "", from: change.from,
                to: change.to, reason: change.reason.rawValue)
        }
        self.calls = plan.calls.map { ($0.limit, $0.changes.count) }
    }

    /// From what `GET /preview/next-cycle` answers.
    init(preview: JSONValue) throws(ServiceFailure) {
        guard let strategy = preview["strategy"]?.text,
            let considered = preview["torrents_considered"]?.integer,
            let trackers = preview["trackers"]?.members, let changes = preview["changes"]?.elements
        else { throw strangeAnswer }
        self.strategy = strategy
        self.considered = Int(clamping: considered)
        self.trackers = trackers.map { tracker in
            Tracker(
                id: tracker.name, baseCap: limit(tracker.value["base_cap"]),
                effectiveCap: limit(tracker.value["effective_cap"]))
        }
        self.changes = changes.map { change in
            Change(
                hash: change["hash"]?.text ?? "", instance: change["instance"]?.text ?? "",
                tracker: change["tracker"]?.text ?? "", from: limit(change["from"]), to: limit(change["to"]),
                reason: change["reason"]?.text ?? "")
        }
        self.calls = Dictionary(grouping: self.changes, by: \.to).map { ($0.key, $0.value.count) }
            .sorted { $0.0 < $1.0 }
    }
}

/// Null, zero and below are unlimited.
func limit(_ value: JSONValue?) -> UploadLimit {
    value?.integer.flatMap { $0 > 0 ? .bytesPerSecond($0) : nil } ?? .unlimited
}

// MARK: - Writing

extension JSONWriter {
    /// Null is unlimited.
    mutating func member(_ name: String, limit: UploadLimit?) {
        self.member(name, limit?.rate.map { .integer($0.bytesPerSecond) } ?? .null)
    }
}

extension PlanListing {
    func write(to json: inout JSONWriter) {
        json.member("strategy", self.strategy)
        json.member("considered", self.considered)
        json.member("trackers", array: { for tracker in self.trackers { tracker.write(to: &$0) } })
        json.member("changes", array: { for change in self.changes { change.write(to: &$0) } })
        json.member(
            "calls",
            array: { json in
                for call in self.calls {
                    json.object { json in
                        json.member("limit", limit: call.limit)
                        json.member("count", call.count)
                    }
                }
            })
        if let state = self.state { json.member("state", object: { self.write(state, to: &$0) }) }
    }

    private func write(_ state: PlanningState, to json: inout JSONWriter) {
        json.member(
            "smoothed_caps",
            object: { json in
                for (id, cap) in state.smoothedCaps.sorted(by: { $0.key < $1.key }) { json.member(id, cap) }
            })
        json.member(
            "adaptive",
            object: { json in
                for key in state.adaptiveKeys.sorted() {
                    guard let memory = state[adaptive: key] else { continue }
                    json.member(
                        self.spellings[key] ?? key.id.hex,
                        object: { json in
                            json.member("hungry_cycles", memory.hungryCycles)
                            json.member("saturation", memory.saturation)
                            json.member("quiet", memory.isQuiet)
                            json.member(
                                "last_rate", memory.lastRate.map { .integer($0.bytesPerSecond) } ?? .null)
                            // Zero is unlimited here, because null is "not known".
                            json.member(
                                "last_limit",
                                memory.lastLimit.map { .integer($0.rate?.bytesPerSecond ?? 0) } ?? .null)
                        })
                }
            })
    }

    func print(to output: Output) {
        output.print(
            "\(self.strategy): \(self.considered) torrents considered, \(self.changes.count) changes")
        output.printTable(
            ["tracker", "cap", "effective", "limits before", "limits after"], rightAligned: [1, 2, 3, 4],
            self.trackers.map { tracker in
                [
                    plain(tracker.id), limitText(tracker.baseCap), limitText(tracker.effectiveCap),
                    tracker.sumBefore.map(limitText) ?? "-", tracker.sumAfter.map(limitText) ?? "-",
                ]
            })
        guard !self.changes.isEmpty else { return }
        output.print("")
        output.printTable(
            ["torrent", "tracker", "from", "to", "reason"], rightAligned: [2, 3],
            self.changes.prefix(50).map { change in
                [
                    change.hash, plain(change.tracker), limitText(change.from), limitText(change.to),
                    change.reason,
                ]
            })
        if self.changes.count > 50 { output.print("… and \(self.changes.count - 50) more; --json shows all") }
    }
}

extension PlanListing.Tracker {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("id", self.id)
            json.member("base_cap", limit: self.baseCap)
            json.member("effective_cap", limit: self.effectiveCap)
            json.member("borrowed", self.borrowed)
            guard let before = self.sumBefore, let after = self.sumAfter else { return }
            json.member("sum_before", limit: before)
            json.member("sum_after", limit: after)
        }
    }
}

extension PlanListing.Change {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("hash", self.hash)
            json.member("instance", self.instance)
            json.member("tracker", self.tracker)
            json.member("from", limit: self.from)
            json.member("to", limit: self.to)
            json.member("reason", self.reason)
        }
    }
}
