import ConfigFile

/// One key with another value.
public struct SettingChange: Hashable, Sendable {
    /// Such as `global.port` or `trackers.premium.max_upload_speed`; a list item goes by its name.
    public var path: String
    /// As written in the file, secrets masked; nil where the key is new or gone.
    public var from: String?
    public var to: String?
    /// False: it takes effect at once.
    public var needsRestart: Bool
}

extension Settings {
    /// What differs between two settings, in the order of the file. The listening socket and the database path
    /// need a restart, everything else applies at once.
    public static func changes(from old: Settings, to new: Settings) -> [SettingChange] {
        let before = old.lines(labels: .name).filter { $0.text != nil }
        let after = new.lines(labels: .name).filter { $0.text != nil }
        let oldValues = Dictionary(before.map { ($0.path, $0) }) { first, _ in first }
        let newPaths = Set(after.map(\.path))
        var changes: [SettingChange] = []
        for line in after where oldValues[line.path]?.text != line.text {
            changes.append(
                SettingChange(
                    path: line.path, from: oldValues[line.path]?.shownText(masked: true),
                    to: line.shownText(masked: true), needsRestart: line.traits.contains(.restart)))
        }
        for line in before where !newPaths.contains(line.path) {
            changes.append(
                SettingChange(
                    path: line.path, from: line.shownText(masked: true),
                    needsRestart: line.traits.contains(.restart)))
        }
        let trackerOrder = new.trackers.map(\.id)
        if trackerOrder != old.trackers.map(\.id), Set(trackerOrder) == Set(old.trackers.map(\.id)) {
            changes.append(
                SettingChange(
                    path: "trackers", from: old.trackers.map(\.id).joined(separator: ", "),
                    to: trackerOrder.joined(separator: ", "), needsRestart: false))
        }
        return changes
    }
}
