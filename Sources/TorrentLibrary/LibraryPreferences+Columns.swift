import SwarmTypes
import TorrentCatalog

/// What is set for all, as the database keeps it: a name and a text each. What cannot be read stays as it is.
extension LibraryPreferences {
    var columns: [String: String] {
        var columns: [String: String] = [
            "directory": self.directory, "starts_stopped": text(self.startsStopped),
            "manages": text(self.managesByDefault), "upload_limit": text(self.uploadLimit),
            "download_limit": text(self.downloadLimit),
            "alternative_upload_limit": text(self.alternativeUploadLimit),
            "alternative_download_limit": text(self.alternativeDownloadLimit),
            "alternative_limits": text(self.usesAlternativeLimits),
            "share_ratio": number(self.shareLimits.ratio.column),
            "share_seeding_minutes": number(self.shareLimits.seedingMinutes.column),
            "share_inactive_minutes": number(self.shareLimits.inactiveMinutes.column),
            "share_action": self.shareAction.rawValue,
            "maximum_connections": "\(self.maximumConnections)",
            "maximum_peers": "\(self.maximumPeersPerTorrent)", "listening_port": "\(self.listeningPort)",
            "encryption": self.encryption.rawValue, "exchanges_peers": text(self.exchangesPeers),
            "maps_port": text(self.mapsPort), "reserves_space": text(self.reservesSpace),
            "watch_folders": self.watchFolders.joined(separator: "\n"),
        ]
        columns["banned_hosts"] = self.bannedHosts.map(\.host).joined(separator: "\n")
        columns["schedule"] =
            self.schedule.map { schedule in
                let days = schedule.days.sorted().map { "\($0)" }.joined(separator: ",")
                return "\(schedule.from) \(schedule.to) \(days)"
            } ?? ""
        columns["queue"] =
            self.queue.map { queue in
                let numbers = [queue.downloads, queue.uploads, queue.torrents].map {
                    $0.map { "\($0)" } ?? "-"
                }
                return (numbers + [text(queue.ignoresSlow)]).joined(separator: " ")
            } ?? ""
        return columns
    }

    mutating func take(_ columns: [String: String]) {
        func take<Value>(_ name: String, _ path: WritableKeyPath<Self, Value>, _ read: (String) -> Value?) {
            if let text = columns[name], let value = read(text) { self[keyPath: path] = value }
        }
        take("directory", \.directory) { $0.isEmpty ? nil : $0 }
        take("starts_stopped", \.startsStopped, flag)
        take("manages", \.managesByDefault, flag)
        take("upload_limit", \.uploadLimit, limit)
        take("download_limit", \.downloadLimit, limit)
        take("alternative_upload_limit", \.alternativeUploadLimit, limit)
        take("alternative_download_limit", \.alternativeDownloadLimit, limit)
        take("alternative_limits", \.usesAlternativeLimits, flag)
        take("share_ratio", \.shareLimits.ratio) { .init(column: Int64($0)) }
        take("share_seeding_minutes", \.shareLimits.seedingMinutes) { .init(column: Int64($0)) }
        take("share_inactive_minutes", \.shareLimits.inactiveMinutes) { .init(column: Int64($0)) }
        take("share_action", \.shareAction) { ShareLimits.Action(rawValue: $0) }
        take("maximum_connections", \.maximumConnections) { Int($0) }
        take("maximum_peers", \.maximumPeersPerTorrent) { Int($0) }
        take("listening_port", \.listeningPort) { UInt16($0) }
        take("encryption", \.encryption) { EncryptionPolicy(rawValue: $0) }
        take("exchanges_peers", \.exchangesPeers, flag)
        take("maps_port", \.mapsPort, flag)
        take("reserves_space", \.reservesSpace, flag)
        take("banned_hosts", \.bannedHosts) {
            $0.split(separator: "\n").compactMap { PeerAddress(host: $0, port: 0) }
        }
        take("watch_folders", \.watchFolders) { $0.split(separator: "\n").map(String.init) }
        take("schedule", \.schedule) { .some(LimitSchedule(column: $0)) }
        take("queue", \.queue) { .some(QueueSettings(column: $0)) }
    }
}

extension LimitSchedule {
    /// `from to day,day`
    fileprivate init?(column: String) {
        let parts = column.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let from = Int(parts[0]), let to = Int(parts[1]) else { return nil }
        self.init(from: from, to: to, days: Set(parts[2].split(separator: ",").compactMap { Int($0) }))
    }
}

extension QueueSettings {
    /// `downloads uploads torrents ignores-slow`, with `-` for any number.
    fileprivate init?(column: String) {
        let parts = column.split(separator: " ")
        guard parts.count == 4 else { return nil }
        self.init(downloads: Int(parts[0]), uploads: Int(parts[1]), torrents: Int(parts[2]))
        self.ignoresSlow = parts[3] == "1"
    }
}

private func text(_ flag: Bool) -> String { flag ? "1" : "0" }
private func text(_ limit: UploadLimit) -> String { number(limit.rate?.bytesPerSecond) }
private func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "" }
private func flag(_ text: String) -> Bool? { text == "1" ? true : text == "0" ? false : nil }
private func limit(_ text: String) -> UploadLimit? {
    text.isEmpty ? .unlimited : Int64(text).map { .bytesPerSecond($0) }
}
