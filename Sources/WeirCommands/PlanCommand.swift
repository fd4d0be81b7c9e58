import CommandLineParsing
import ConfigFile
import FoundationEssentials
import LimitPlanning
import ServiceAssembly
import SwarmTypes
import WeirSettings

let planCommand = Command(
    spec: CommandSpec(
        "plan", "Show what would change, and why; nothing is sent",
        details: [
            "Asks the running Weir, or reads qBittorrent itself where none runs. With --snapshot it plans from a saved observation, without any network."
        ],
        options: [
            CommonOption.config, CommonOption.json,
            .value("snapshot", nil, "FILE", "Plan from a saved observation (JSON)", completion: .files),
        ])
) { invocation throws(ServiceFailure) in
    let settings = try invocation.load().settings
    let listing: PlanListing
    if let path = invocation.parsed.value("snapshot") {
        switch planSnapshot(path, settings) {
        case .success(let planned): listing = planned
        case .failure(let failure):
            invocation.output.say("weir plan: \(failure.message)")
            return .badInput
        }
    } else {
        listing = try livePlan(settings)
    }
    if invocation.wantsJSON {
        invocation.output.printJSON(listing)
    } else {
        print(listing, invocation.output)
    }
    return .done
}

private func livePlan(_ settings: Settings) throws(ServiceFailure) -> PlanListing {
    let outcome = try OneShot.run(settings) { shot -> Result<PlanListing, ServiceFailure> in
        switch await shot.daemon("GET", "/preview/next-cycle") {
        case .success(let answer):
            return Result { () throws(ServiceFailure) in PlanListing(try decoded(answer) as PreviewBody) }
        case .failure(let failure): return .failure(failure)
        case nil: return await shot.plan().map { PlanListing($0, settings) }
        }
    }
    do throws(ServiceFailure) { return try outcome.get() } catch { throw error }
}

/// A plan for people and programs. Null is unlimited.
struct PlanListing: Codable, Sendable {
    struct Tracker: Codable, Sendable {
        var id: String
        var base_cap: Int64?
        var effective_cap: Int64?
        var borrowed: Int64
        var sum_before: Int64?
        var sum_after: Int64?
    }

    struct Change: Codable, Sendable {
        var hash: String
        var instance: String?
        var tracker: String
        var from: Int64?
        var to: Int64?
        var reason: String
    }

    struct Call: Codable, Sendable {
        var limit: Int64?
        var count: Int
    }

    var strategy: String
    var considered: Int
    var trackers: [Tracker]
    var changes: [Change]
    var calls: [Call]
    /// What the next plan from a snapshot is to be given.
    var state: SnapshotState?

    /// - Parameter spelling: the hash as the snapshot spells it.
    init(_ plan: Plan, _ settings: Settings, spelling: (TorrentKey) -> String = { $0.id.hex }) {
        self.strategy = plan.strategy.rawValue
        self.considered = plan.considered
        self.trackers = plan.trackers.map { tracker in
            Tracker(
                id: tracker.id, base_cap: tracker.baseCap.bytes, effective_cap: tracker.effectiveCap.bytes,
                borrowed: tracker.borrowed.bytesPerSecond, sum_before: tracker.sumBefore.bytes,
                sum_after: tracker.sumAfter.bytes)
        }
        self.changes = plan.changes.map { change in
            let place = Int(change.key.instance.rawValue)
            let names = settings.instances.map(\.name)
            return Change(
                hash: spelling(change.key), instance: names.indices.contains(place) ? names[place] : nil,
                tracker: settings.trackers.indices.contains(change.tracker)
                    ? settings.trackers[change.tracker].id : "",
                from: change.from.bytes, to: change.to.bytes, reason: change.reason.rawValue)
        }
        self.calls = plan.calls.map { Call(limit: $0.limit.bytes, count: $0.changes.count) }
    }

    init(_ body: PreviewBody) {
        self.strategy = body.strategy
        self.considered = body.torrents_considered
        self.trackers = body.trackers.sorted { $0.key < $1.key }.map { id, tracker in
            Tracker(
                id: id, base_cap: tracker.base_cap.positive, effective_cap: tracker.effective_cap.positive,
                borrowed: tracker.borrowed ?? 0)
        }
        self.changes = body.changes.map { change in
            Change(
                hash: change.hash, instance: change.instance, tracker: change.tracker,
                from: change.from.positive, to: change.to.positive, reason: change.reason)
        }
        var counts: [Int64?: Int] = [:]
        for change in self.changes { counts[change.to, default: 0] += 1 }
        self.calls = counts.map { Call(limit: $0.key, count: $0.value) }.sorted {
            ($0.limit ?? .max) < ($1.limit ?? .max)
        }
    }

    /// A null is written, so that "unlimited" is never a missing key.
    private enum CodingKeys: String, CodingKey { case strategy, considered, trackers, changes, calls, state }
}

extension PlanListing.Change {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.hash, forKey: .hash)
        try container.encodeIfPresent(self.instance, forKey: .instance)
        try container.encode(self.tracker, forKey: .tracker)
        try container.encode(self.from, forKey: .from)
        try container.encode(self.to, forKey: .to)
        try container.encode(self.reason, forKey: .reason)
    }
}

extension PlanListing.Tracker {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.id, forKey: .id)
        try container.encode(self.base_cap, forKey: .base_cap)
        try container.encode(self.effective_cap, forKey: .effective_cap)
        try container.encode(self.borrowed, forKey: .borrowed)
        try container.encode(self.sum_before, forKey: .sum_before)
        try container.encode(self.sum_after, forKey: .sum_after)
    }
}

extension PlanListing.Call {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.limit, forKey: .limit)
        try container.encode(self.count, forKey: .count)
    }
}

/// What `GET /preview/next-cycle` answers, as far as it is needed here.
struct PreviewBody: Decodable, Sendable {
    struct Tracker: Decodable, Sendable {
        var base_cap: Int64?
        var effective_cap: Int64?
        var borrowed: Int64?
    }

    struct Change: Decodable, Sendable {
        var hash: String
        var instance: String
        var tracker: String
        var from: Int64?
        var to: Int64?
        var reason: String
    }

    var strategy: String
    var torrents_considered: Int
    var trackers: [String: Tracker]
    var changes: [Change]
}

extension UploadLimit {
    var bytes: Int64? { self.rate?.bytesPerSecond }
}

extension Int64? {
    /// The control API spells unlimited as -1, as Qguardarr did.
    fileprivate var positive: Int64? { self.flatMap { $0 > 0 ? $0 : nil } }
}

private func print(_ listing: PlanListing, _ output: Output) {
    output.print(
        "\(listing.strategy): \(listing.considered) torrents considered, \(listing.changes.count) changes")
    output.printTable(
        ["tracker", "cap", "effective", "limits before", "limits after"], rightAligned: [1, 2, 3, 4],
        listing.trackers.map { tracker in
            [
                plain(tracker.id), limitText(tracker.base_cap), limitText(tracker.effective_cap),
                limitText(tracker.sum_before), limitText(tracker.sum_after),
            ]
        })
    guard !listing.changes.isEmpty else { return }
    output.print("")
    output.printTable(
        ["torrent", "tracker", "from", "to", "reason"], rightAligned: [2, 3],
        listing.changes.prefix(50).map { change in
            [change.hash, plain(change.tracker), limitText(change.from), limitText(change.to), change.reason]
        })
    if listing.changes.count > 50 {
        output.print("… and \(listing.changes.count - 50) more; --json shows all")
    }
}
