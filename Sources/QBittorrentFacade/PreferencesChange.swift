import JSONValues
import SwarmTypes
import TorrentCatalog

/// What `app/setPreferences` sends: members to change. What Weir has not is passed over, as qBittorrent does with names
/// that it does not know.
struct PreferencesChange: Sendable {
    private let members: JSONValue

    init(_ text: String) throws(FacadeRefusal) {
        do throws(JSONFailure) {
            self.members = try JSONReader.read(Array(text.utf8))
        } catch {
            throw FacadeRefusal(400, "Bad Request")
        }
        guard self.members.members != nil else { throw FacadeRefusal(400, "Bad Request") }
    }

    private func integer(_ name: String) -> Int64? { self.members[name]?.integer }
    private func flag(_ name: String) -> Bool? { self.members[name]?.boolean }

    /// Answers what is wrong, and then has changed nothing.
    func apply(to preferences: inout LibraryPreferences) -> String? {
        var new = preferences
        if let path = self.members["save_path"]?.text {
            guard path.hasPrefix("/") else { return "save_path must begin with a slash" }
            new.directory = path
        }
        if let folders = self.members["scan_dirs"]?.members {
            guard folders.allSatisfy({ $0.name.hasPrefix("/") }) else {
                return "folders of scan_dirs must begin with a slash"
            }
            new.watchFolders = folders.map(\.name)
        }
        if let port = self.integer("listen_port") {
            guard let port = UInt16(exactly: port) else { return "listen_port must be from 0 to 65535" }
            new.listeningPort = port
        }
        if let count = self.integer("max_connec") {
            new.maximumConnections = count > 0 ? Int(clamping: count) : 2000
        }
        if let count = self.integer("max_connec_per_torrent") {
            new.maximumPeersPerTorrent = count > 0 ? Int(clamping: count) : 500
        }
        if let mode = self.integer("encryption") {
            guard 0...2 ~= mode else { return "encryption must be 0, 1 or 2" }
            new.encryption = [.allow, .require, .off][Int(mode)]
        }
        // What is no address is passed over, as qBittorrent does.
        if let text = self.members["banned_IPs"]?.text {
            new.bannedHosts = text.split(whereSeparator: \.isNewline).compactMap {
                PeerAddress(host: $0, port: 0)
            }
        }
        if let value = self.flag("auto_tmm_enabled") { new.managesByDefault = value }
        if let value = self.flag("add_stopped_enabled") ?? self.flag("start_paused_enabled") {
            new.startsStopped = value
        }
        if let value = self.flag("pex") { new.exchangesPeers = value }
        if let value = self.flag("preallocate_all") { new.reservesSpace = value }
        if let value = self.flag("upnp") { new.mapsPort = value }
        self.applyLimits(to: &new)
        self.applyShareLimits(to: &new)
        self.applyQueue(to: &new)
        self.applySchedule(to: &new)
        preferences = new
        return nil
    }

    private func applyLimits(to preferences: inout LibraryPreferences) {
        func limit(_ name: String) -> UploadLimit? {
            self.integer(name).map { $0 > 0 ? .bytesPerSecond($0) : .unlimited }
        }
        if let limit = limit("up_limit") { preferences.uploadLimit = limit }
        if let limit = limit("dl_limit") { preferences.downloadLimit = limit }
        if let limit = limit("alt_up_limit") { preferences.alternativeUploadLimit = limit }
        if let limit = limit("alt_dl_limit") { preferences.alternativeDownloadLimit = limit }
    }

    private func applyShareLimits(to preferences: inout LibraryPreferences) {
        if let ratio = self.members["max_ratio"]?.double {
            preferences.shareLimits.ratio = .init(facadeValue: ratio)
        }
        if let minutes = self.integer("max_seeding_time") {
            preferences.shareLimits.seedingMinutes = .init(facadeValue: minutes)
        }
        if let minutes = self.integer("max_inactive_seeding_time") {
            preferences.shareLimits.inactiveMinutes = .init(facadeValue: minutes)
        }
        if self.flag("max_ratio_enabled") == false { preferences.shareLimits.ratio = .none }
        if self.flag("max_seeding_time_enabled") == false { preferences.shareLimits.seedingMinutes = .none }
        if self.flag("max_inactive_seeding_time_enabled") == false {
            preferences.shareLimits.inactiveMinutes = .none
        }
        switch self.integer("max_ratio_act") {
        case 0: preferences.shareAction = .stop
        case 1: preferences.shareAction = .remove
        case 2: preferences.shareAction = .superSeed
        case 3: preferences.shareAction = .removeWithFiles
        default: break
        }
    }

    private func applyQueue(to preferences: inout LibraryPreferences) {
        let isOn = self.flag("queueing_enabled") ?? (preferences.queue != nil)
        var queue = preferences.queue ?? QueueSettings()
        func count(_ name: String, _ old: Int?) -> Int? {
            guard let value = self.integer(name) else { return old }
            return value < 0 ? nil : Int(clamping: value)
        }
        queue.downloads = count("max_active_downloads", queue.downloads)
        queue.uploads = count("max_active_uploads", queue.uploads)
        queue.torrents = count("max_active_torrents", queue.torrents)
        if let value = self.flag("dont_count_slow_torrents") { queue.ignoresSlow = value }
        preferences.queue = isOn ? queue : nil
    }

    private func applySchedule(to preferences: inout LibraryPreferences) {
        let isOn = self.flag("scheduler_enabled") ?? (preferences.schedule != nil)
        guard isOn else {
            preferences.schedule = nil
            return
        }
        var schedule = preferences.schedule ?? LimitSchedule(from: 8 * 60, to: 20 * 60, days: Set(0...6))
        func minutes(_ hour: String, _ minute: String, _ old: Int) -> Int {
            let hours = self.integer(hour).map { Int(clamping: min(23, max(0, $0))) } ?? old / 60
            let minutes = self.integer(minute).map { Int(clamping: min(59, max(0, $0))) } ?? old % 60
            return hours * 60 + minutes
        }
        schedule.from = minutes("schedule_from_hour", "schedule_from_min", schedule.from)
        schedule.to = minutes("schedule_to_hour", "schedule_to_min", schedule.to)
        switch self.integer("scheduler_days") {
        case 0: schedule.days = Set(0...6)
        case 1: schedule.days = [0, 1, 2, 3, 4]
        case 2: schedule.days = [5, 6]
        case let day? where 3...9 ~= day: schedule.days = [Int(day) - 3]
        default: break
        }
        preferences.schedule = schedule
    }
}
