import ConfigFile
import JSONValues
import LimitPlanning
import PatternMatching
import ServiceAssembly
import SwarmTypes
import WeirSettings

/// Why a saved observation cannot be planned from.
struct SnapshotFailure: Error {
    var message: String

    init(_ message: String) { self.message = message }
}

private let maximumSnapshotBytes = 256 << 20

/// States in which a torrent cannot upload, in qBittorrent's words of all versions.
private let idleStates: Set<String> = [
    "pausedUP", "pausedDL", "stoppedUP", "stoppedDL", "error", "missingFiles", "unknown",
]

private let uploadingStates: Set<String> = ["uploading", "forcedUP"]

/// Plans from a saved observation (version 1) exactly what a cycle would do.
func planSnapshot(_ path: String, _ settings: Settings) throws(SnapshotFailure) -> PlanListing {
    let document: JSONValue
    let bytes: [UInt8]
    do throws(FileReadFailure) { bytes = try readFile(path, limit: maximumSnapshotBytes) } catch {
        throw SnapshotFailure(error.description)
    }
    do throws(JSONFailure) { document = try JSONReader.read(bytes) } catch {
        throw SnapshotFailure(error.description)
    }
    guard let version = document["version"]?.integer else { throw SnapshotFailure("it has no \"version\"") }
    guard version == 1 else {
        throw SnapshotFailure("its version is \(version); this Weir reads version 1")
    }
    guard let rows = document["torrents"]?.elements else { throw SnapshotFailure("it has no \"torrents\"") }
    var observation = try SavedObservation(settings)
    for (number, row) in rows.enumerated() {
        do throws(SnapshotFailure) { try observation.add(row) } catch {
            throw SnapshotFailure("torrents[\(number)]\(error.message)")
        }
    }
    return try observation.plan(state: document["state"])
}

/// A saved observation on its way to a planning input.
private struct SavedObservation {
    private var settings: Settings
    private let matcher: TrackerMatcher
    private let catchAll: Int
    private var instances: [String]
    private var trackers: [GovernedTracker]
    /// Where torrents stand that leave the rollout.
    private let outside: Int
    private var torrents: [PlanningTorrent] = []
    private var spellings: [TorrentKey: String] = [:]
    private var keys: [String: TorrentKey] = [:]
    private var places: [TorrentKey: Int] = [:]

    init(_ settings: Settings) throws(SnapshotFailure) {
        do throws(PatternFailure) {
            self.matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
        } catch {
            throw SnapshotFailure(error.description)
        }
        self.settings = settings
        self.catchAll = settings.trackers.count - 1
        self.instances = settings.instances.map(\.name)
        self.trackers = settings.governedTrackers
        self.outside = self.trackers.count
        self.trackers.append(GovernedTracker(id: "(outside the rollout)", cap: .unlimited))
    }

    mutating func add(_ row: JSONValue) throws(SnapshotFailure) {
        let hash = row["hash"]?.text ?? ""
        guard let id = TorrentID(hex: hash) else {
            throw SnapshotFailure(".hash is not 40 or 64 hexadecimal digits")
        }
        let key = TorrentKey(instance: self.instance(row["instance"]?.text), id: id)
        guard self.spellings.updateValue(hash, forKey: key) == nil else {
            throw SnapshotFailure(": \(hash) comes twice")
        }
        self.keys[hash] = key
        let rate = try number(row, "upload_rate") ?? 0
        let limitInForce = try limit(row, "upload_limit")
        // Not there: Weir never touched it. Null: it was unlimited before.
        let original: UploadLimit? = row["original_limit"] == nil ? nil : try limit(row, "original_limit")
        if let state = row["state"]?.text, idleStates.contains(state) { return }
        let place = self.place(row["trackers"]?.elements ?? [])
        self.places[key] = place
        let isOutside = Int(rolloutBucket(of: id)) >= self.settings.global.rolloutPercentage
        if isOutside, original == nil { return }
        self.torrents.append(
            PlanningTorrent(
                key: key, tracker: isOutside ? self.outside : place,
                uploadRate: ByteRate(bytesPerSecond: rate),
                limit: limitInForce, original: original,
                leeches: Int32(clamping: try number(row, "leeches") ?? 0),
                seeds: Int32(clamping: try number(row, "seeds") ?? 0),
                lastActivityAgeSeconds: try number(row, "last_activity_age"),
                isUploading: row["state"]?.text.map { uploadingStates.contains($0) } ?? false))
    }

    func plan(state saved: JSONValue?) throws(SnapshotFailure) -> PlanListing {
        var state = PlanningState()
        for cap in saved?["smoothed_caps"]?.members ?? [] { state.smoothedCaps[cap.name] = cap.value.double }
        for entry in saved?["adaptive"]?.members ?? [] {
            guard let key = self.keys[entry.name] else { continue }
            let memory = entry.value
            state[adaptive: key] = AdaptiveMemory(
                hungryCycles: Int(clamping: memory["hungry_cycles"]?.integer ?? 0),
                saturation: memory["saturation"]?.double ?? 0, isQuiet: memory["quiet"]?.boolean ?? true,
                lastRate: memory["last_rate"]?.integer.map { ByteRate(bytesPerSecond: $0) },
                lastLimit: memory["last_limit"]?.integer.map { $0 > 0 ? .bytesPerSecond($0) : .unlimited })
        }
        var plan = makePlan(
            PlanningInput(trackers: self.trackers, torrents: self.torrents),
            settings: self.settings.planningSettings, state: &state, scope: .full, at: Instant(nanoseconds: 0)
        )
        plan.trackers.removeLast(max(0, plan.trackers.count - self.outside))
        for index in plan.changes.indices where plan.changes[index].tracker == self.outside {
            plan.changes[index].tracker = self.places[plan.changes[index].key] ?? self.catchAll
            plan.changes[index].reason = .leftRollout
        }
        var settings = self.settings
        for name in self.instances.dropFirst(settings.instances.count) {
            var instance = InstanceSettings()
            instance.name = name
            settings.instances.append(instance)
        }
        return PlanListing(plan, settings, spellings: self.spellings, state: state)
    }

    /// Instances that are not configured get a place of their own.
    private mutating func instance(_ name: String?) -> InstanceIndex {
        let name = name ?? self.instances.first ?? InstanceSettings.defaultName
        if let place = self.instances.firstIndex(of: name) { return InstanceIndex(UInt16(clamping: place)) }
        self.instances.append(name)
        return InstanceIndex(UInt16(clamping: self.instances.count - 1))
    }

    private func place(_ trackers: [JSONValue]) -> Int {
        let entries = trackers.compactMap { tracker in
            tracker["url"]?.text.map {
                TrackerEntry(url: $0, status: TrackerStatus(tracker["status"]?.integer))
            }
        }
        guard let chosen = chooseTracker(entries) else { return self.catchAll }
        return self.matcher.match(entries[chosen].url).index ?? self.catchAll
    }
}

/// Nil where it is missing or null.
private func number(_ row: JSONValue, _ name: String) throws(SnapshotFailure) -> Int64? {
    guard let value = row[name], !value.isNull else { return nil }
    guard let number = value.double, let whole = Int64(exactly: number.rounded(.down)) else {
        throw SnapshotFailure(".\(name) is not a number")
    }
    return value.integer ?? whole
}

private func limit(_ row: JSONValue, _ name: String) throws(SnapshotFailure) -> UploadLimit {
    try number(row, name).flatMap { $0 > 0 ? .bytesPerSecond($0) : nil } ?? .unlimited
}

extension TrackerStatus {
    fileprivate init(_ number: Int64?) {
        switch number {
        case 0: self = .disabled
        case 1: self = .notContacted
        case 2: self = .working
        case 3: self = .updating
        case 4, 5, 6: self = .notWorking
        default: self = .unknown
        }
    }
}
