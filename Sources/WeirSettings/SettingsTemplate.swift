import ConfigFile
import SwarmTypes

extension Settings {
    /// A new configuration file: the keys that most people set, and every other one as a comment with its default.
    ///
    /// Removing the `#` before any key changes nothing but makes the default explicit.
    public static let template: String = {
        var text = introduction
        var explained: Set<String> = []
        for line in Self.templateSettings.lines() {
            if line.text == nil, line.lead.isEmpty {
                text += "\n" + (sectionHelp[line.name] ?? "") + line.yaml(masked: false) + "\n"
                continue
            }
            let indent = String(repeating: " ", count: line.lead.utf8.count)
            if explained.insert("\(line.path.prefix { $0 != "[" && $0 != "." }).\(line.name)").inserted {
                let margin = line.lead.hasSuffix("- ") ? String(indent.dropLast(2)) : indent
                for part in line.help.split(separator: "\n") { text += "\(margin)# \(part)\n" }
            }
            text += line.templateText(indent: indent) + "\n"
        }
        return text
    }()

    /// What the template says: the defaults, one instance and three trackers as examples.
    static let templateSettings: Settings = {
        var settings = Settings()
        var instance = InstanceSettings()
        instance.url = InstanceAddress(host: "127.0.0.1", port: 8080)
        instance.username = "admin"
        instance.password = ""
        settings.instances = [instance]
        settings.trackers = [
            tracker("premium", "Premium tracker", #"premium-tracker\.com"#, 10 << 20, priority: 10),
            tracker("public", "Large public trackers", #"opentrackr\.org|stealth\.si"#, 2 << 20, priority: 2),
            tracker("default", "All others", ".*", nil, priority: 1),
        ]
        return settings
    }()

    private static func tracker(
        _ id: String, _ name: String, _ pattern: String, _ cap: Int64?, priority: Int
    ) -> TrackerSettings {
        var tracker = TrackerSettings()
        tracker.id = id
        tracker.name = name
        tracker.pattern = pattern
        tracker.cap = cap.map { .bytesPerSecond($0) } ?? .unlimited
        tracker.priority = priority
        return tracker
    }
}

extension SettingLine {
    /// The password stays out of the file; keys that need not be set are comments.
    fileprivate func templateText(indent: String) -> String {
        if self.path == "qbittorrent.password" { return "\(indent)password: \"${QBIT_PASSWORD}\"" }
        let isActive = self.traits.contains(.essential)
        return isActive
            ? self.yaml(masked: false) : indent + "#" + self.yaml(masked: false).dropFirst(indent.utf8.count)
    }
}

private let introduction = """
    # Weir's configuration. A Qguardarr file works as it is.
    #
    # Keys with a # right before them show the default. ${NAME} is replaced by the environment variable
    # NAME, or by the content of the file that NAME_FILE names; ${NAME:-value} has a default, and $${ is a
    # plain ${. All keys but those of trackers can also be set as WEIR_<SECTION>_<KEY> (WEIR_GLOBAL_PORT)
    # or WEIR_<SECTION>_<KEY>_FILE, which win over this file. Times are seconds, or such as 90s, 5m, 1h.
    #
    # `weir config check` looks for mistakes; `weir config print --origin` shows what holds, and why.
    # All but host, port, database_path and the section engine take effect as soon as this file is saved.

    """

private let sectionHelp = [
    "server": "# What stands in front of Weir: a reverse proxy.\n",
    "engine": """
    # Weir's own torrents. Without a section qbittorrent below they are there of themselves.

    """,
    "qbittorrent": """
    # The qBittorrent that is governed. For several, write a list: an item for each, with its own name.
    # A cap then holds for all of them together.

    """,
    "cross_seed": "# Completed torrents can be forwarded to cross-seed.\n",
    "notifications": "# Weir can tell a phone or a chat when something needs people.\n",
    "trackers": """
    # What each tracker may take. The first whose pattern is found in the tracker's URL counts, so write
    # the more special ones first. The last must be the catch-all, with the pattern ".*".
    # A rate is a number of bytes per second, or has a unit: k, M, G are 1000s, KiB, MiB, GiB are 1024s,
    # kbit, Mbit, Gbit are bits (500k, 10 MiB/s, 20 Mbit/s).

    """,
    "rollback": "# The journal: what was changed, and what a rollback restores.\n",
]
