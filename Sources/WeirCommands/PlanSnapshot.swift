import ConfigFile
import FoundationEssentials
import LimitPlanning
import PatternMatching
import ServiceAssembly
import SwarmTypes
import WeirSettings

/// What a plan remembers from one snapshot to the next.
struct SnapshotState: Codable, Sendable {
    struct Adaptive: Codable, Sendable {
        var hungry_cycles: Int
        var saturation: Double
        var quiet: Bool
        /// The reading that was last planned on, and the limit planned then.
        var last_rate: Int64?
        var last_limit: Int64?
    }

    /// By tracker id, bytes per second.
    var smoothed_caps: [String: Double]?
    /// By hash.
    var adaptive: [String: Adaptive]?
}

/// A saved observation, version 1.
private struct Snapshot: Decodable {
    struct Tracker: Decodable {
        var url: String
        var status: Int?
    }

    struct Torrent: Decodable {
        var hash: String
        var instance: String?
        var trackers: [Tracker]?
        var upload_rate: Int64
        var upload_limit: Int64?
        /// Outside: nothing is known. Inside nil: unlimited.
        var original_limit: Int64??
        var leeches: Int?
        var seeds: Int?
        var last_activity_age: Double?
        var state: String?

        enum CodingKeys: String, CodingKey {
            case hash, instance, trackers, upload_rate, upload_limit, original_limit, leeches, seeds, state
            case last_activity_age
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.hash = try values.decode(String.self, forKey: .hash)
            self.instance = try values.decodeIfPresent(String.self, forKey: .instance)
            self.trackers = try values.decodeIfPresent([Tracker].self, forKey: .trackers)
            self.upload_rate = try values.decodeIfPresent(Int64.self, forKey: .upload_rate) ?? 0
            self.upload_limit = try values.decodeIfPresent(Int64.self, forKey: .upload_limit)
            self.original_limit =
                values.contains(.original_limit)
                ? .some(try values.decodeIfPresent(Int64.self, forKey: .original_limit)) : .none
            self.leeches = try values.decodeIfPresent(Int.self, forKey: .leeches)
            self.seeds = try values.decodeIfPresent(Int.self, forKey: .seeds)
            self.last_activity_age = try values.decodeIfPresent(Double.self, forKey: .last_activity_age)
            self.state = try values.decodeIfPresent(String.self, forKey: .state)
        }
    }

    var version: Int
    var torrents: [Torrent]
    var state: SnapshotState?
}

struct SnapshotFailure: Error {
    var message: String
}

private let maximumSnapshotBytes = 256 << 20

/// States in which a torrent cannot upload, in qBittorrent's words of all versions.
private let idleStates: Set<String> = [
    "pausedUP", "pausedDL", "stoppedUP", "stoppedDL", "error", "missingFiles", "unknown",
]

/// Plans from a saved observation exactly what a cycle would do.
func planSnapshot(_ path: String, _ settings: Settings) -> Result<PlanListing, SnapshotFailure> {
    do throws(SnapshotFailure) {
        let snapshot = try read(path)
        return .success(try plan(snapshot, settings))
    } catch {
        return .failure(SnapshotFailure(message: "\(path): \(error.message)"))
    }
}

private func read(_ path: String) throws(SnapshotFailure) -> Snapshot {
    let snapshot: Snapshot
    do {
        snapshot = try JSONDecoder().decode(
            Snapshot.self, from: Data(try readFile(path, limit: maximumSnapshotBytes)))
    } catch let error as FileReadFailure {
        throw SnapshotFailure(message: "\(error)")
    } catch let error as DecodingError {
        throw SnapshotFailure(message: explanation(of: error))
    } catch {
        throw SnapshotFailure(message: "it cannot be read as JSON")
    }
    guard snapshot.version == 1 else {
        throw SnapshotFailure(message: "its version is \(snapshot.version); this Weir reads version 1")
    }
    return snapshot
}

private func explanation(of error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return path.isEmpty ? "the whole" : String(path.drop { $0 == "." })
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context)) has no \"\(key.stringValue)\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "\(place(context)) has a value of the wrong kind"
    case .dataCorrupted: return "it is not valid JSON"
    @unknown default: return "it is not a snapshot"
    }
}

private func plan(_ snapshot: Snapshot, _ settings: Settings) throws(SnapshotFailure) -> PlanListing {
    let matcher: TrackerMatcher
    do {
        matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
    } catch {
        throw SnapshotFailure(message: error.description)
    }
    let catchAll = settings.trackers.count - 1
    var names = settings.instances.map(\.name)
    var settings = settings
    var trackers = settings.governedTrackers
    let outside = trackers.count
    trackers.append(GovernedTracker(id: "(outside the rollout)", cap: .unlimited))
    var spellings: [TorrentKey: String] = [:]
    var keys: [String: TorrentKey] = [:]
    var places: [TorrentKey: Int] = [:]
    var torrents: [PlanningTorrent] = []
    for (number, torrent) in snapshot.torrents.enumerated() {
        guard let id = TorrentID(hex: torrent.hash) else {
            throw SnapshotFailure(message: "torrents[\(number)].hash is not 40 or 64 hexadecimal digits")
        }
        let name = torrent.instance ?? names.first ?? "default"
        if !names.contains(name) {
            names.append(name)
            var instance = InstanceSettings()
            instance.name = name
            settings.instances.append(instance)
        }
        let key = TorrentKey(
            instance: InstanceIndex(UInt16(clamping: names.firstIndex(of: name) ?? 0)), id: id)
        guard spellings.updateValue(torrent.hash, forKey: key) == nil else {
            throw SnapshotFailure(message: "torrents[\(number)]: \(torrent.hash) comes twice")
        }
        keys[torrent.hash] = key
        if let state = torrent.state, idleStates.contains(state) { continue }
        let entries = (torrent.trackers ?? []).map {
            TrackerEntry(url: $0.url, status: TrackerStatus($0.status))
        }
        let place =
            chooseTracker(entries).map { matcher.match(entries[$0].url).index ?? catchAll } ?? catchAll
        places[key] = place
        let original: UploadLimit? = torrent.original_limit.map { limit($0) }
        let isOutside = Int(rolloutBucket(of: id)) >= settings.global.rolloutPercentage
        if isOutside, original == nil { continue }
        torrents.append(
            PlanningTorrent(
                key: key, tracker: isOutside ? outside : place,
                uploadRate: ByteRate(bytesPerSecond: torrent.upload_rate), limit: limit(torrent.upload_limit),
                original: original, leeches: Int32(clamping: torrent.leeches ?? 0),
                seeds: Int32(clamping: torrent.seeds ?? 0),
                lastActivityAgeSeconds: torrent.last_activity_age.flatMap { Int64(exactly: $0.rounded()) }))
    }
    var state = PlanningState()
    state.smoothedCaps = snapshot.state?.smoothed_caps ?? [:]
    for (hash, memory) in snapshot.state?.adaptive ?? [:] {
        guard let key = keys[hash] else { continue }
        state[adaptive: key] = AdaptiveMemory(
            hungryCycles: memory.hungry_cycles, saturation: memory.saturation, isQuiet: memory.quiet,
            lastRate: memory.last_rate.map { ByteRate(bytesPerSecond: $0) },
            lastLimit: memory.last_limit.map { $0 > 0 ? .bytesPerSecond($0) : .unlimited })
    }
    var planned = makePlan(
        PlanningInput(trackers: trackers, torrents: torrents), settings: settings.planningSettings,
        state: &state,
        scope: .full, at: Instant(nanoseconds: 0))
    if planned.trackers.count > outside { planned.trackers.removeLast() }
    for index in planned.changes.indices where planned.changes[index].tracker == outside {
        planned.changes[index].tracker = places[planned.changes[index].key] ?? catchAll
        planned.changes[index].reason = .leftRollout
    }
    var listing = PlanListing(planned, settings) { spellings[$0] ?? $0.id.hex }
    listing.state = SnapshotState(state, spellings: spellings)
    return listing
}

/// Null, zero and below are unlimited.
private func limit(_ bytesPerSecond: Int64?) -> UploadLimit {
    bytesPerSecond.map { $0 > 0 ? .bytesPerSecond($0) : .unlimited } ?? .unlimited
}

extension TrackerStatus {
    fileprivate init(_ number: Int?) {
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

extension SnapshotState {
    fileprivate init(_ state: PlanningState, spellings: [TorrentKey: String]) {
        self.smoothed_caps = state.smoothedCaps
        var adaptive: [String: Adaptive] = [:]
        for key in state.adaptiveKeys {
            guard let memory = state[adaptive: key] else { continue }
            adaptive[spellings[key] ?? key.id.hex] = Adaptive(
                hungry_cycles: memory.hungryCycles, saturation: memory.saturation, quiet: memory.isQuiet,
                last_rate: memory.lastRate?.bytesPerSecond,
                last_limit: memory.lastLimit.map { $0.bytes ?? 0 })
        }
        self.adaptive = adaptive
    }
}
