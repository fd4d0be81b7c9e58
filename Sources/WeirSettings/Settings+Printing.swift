public import ConfigFile

extension Settings {
    /// The settings as YAML that loads back to them, secrets apart.
    ///
    /// - Parameters:
    ///   - masked: writes `***` for every secret
    ///   - origins: those of the load; each line then ends with where its value came from
    public func printed(masked: Bool = true, origins: [String: ValueOrigin]? = nil) -> String {
        self.lines().map { line in
            guard let origins, line.text != nil else { return line.yaml(masked: masked) }
            return "\(line.yaml(masked: masked))  # \(origins[line.path] ?? .standard)"
        }.joined(separator: "\n") + "\n"
    }

    /// How the items of a list are called in a path.
    enum ItemLabel { case index, name }

    /// Every line, the heads of sections included.
    func lines(labels: ItemLabel = .index) -> [SettingLine] {
        func section<Root>(_ name: String, _ root: Root, _ keys: [ConfigKey<Root>]) -> [SettingLine] {
            [SettingLine(head: name)] + keyLines(root, keys, name, indent: 2)
        }
        var lines = section("global", self.global, GlobalSettings.keys)
        lines += section("server", self.server, ServerSettings.keys)
        lines += section("engine", self.engine, EmbeddedEngineSettings.keys)
        if let only = self.instances.first, self.instances.count == 1 {
            lines += section("qbittorrent", only, InstanceSettings.keys)
        } else if !self.instances.isEmpty {
            lines.append(SettingLine(head: "qbittorrent"))
            for (index, instance) in self.instances.enumerated() {
                let label = labels == .index ? "qbittorrent[\(index)]" : "qbittorrent.\(instance.name)"
                lines += itemLines(instance, InstanceSettings.keys, label)
            }
        }
        lines += section("cross_seed", self.crossSeed, CrossSeedSettings.keys)
        lines += section("notifications", self.notifications, NotificationSettings.keys)
        lines.append(SettingLine(head: "trackers"))
        for (index, tracker) in self.trackers.enumerated() {
            let label = labels == .index ? "trackers[\(index)]" : "trackers.\(tracker.id)"
            lines += itemLines(tracker, TrackerSettings.keys, label)
        }
        lines += section("rollback", self.rollback, RollbackSettings.keys)
        return lines + section("logging", self.logging, LoggingSettings.keys)
    }
}

/// One line of a whole configuration.
struct SettingLine {
    var path: String
    /// Spaces, and `- ` at the head of an item.
    var lead: String
    var name: String
    /// Nil for the head of a section or group.
    var text: String?
    var help: String
    var traits: ConfigTraits

    init(head: String) {
        self.path = head
        self.lead = ""
        self.name = head
        self.help = ""
        self.traits = .essential
    }

    init(_ line: ConfigLine, lead: String) {
        self.path = line.path
        self.lead = lead
        self.name = line.name
        self.text = line.text
        self.help = line.help
        self.traits = line.traits
    }

    /// The value, or `***` for a secret that there is. Of an address, what stands before its path is shown.
    func shownText(masked: Bool) -> String? {
        guard masked, self.traits.contains(.secret), let text, text != "null", text != "\"\"" else {
            return self.text
        }
        // Quoted in one way or the other, as it has to be.
        let address = text.dropFirst().dropLast()
        guard let scheme = ["http://", "https://"].first(where: { address.lowercased().hasPrefix($0) }) else {
            return "\"***\""
        }
        let rest = address.dropFirst(scheme.utf8.count)
        // With a name and a password nobody can say for certain where they end.
        guard !rest.contains("@") else { return "\"\(scheme)***\"" }
        let host = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || ".-:[]".contains($0)) }
        return host == rest ? text : "\"\(scheme)\(host)/***\""
    }

    func yaml(masked: Bool) -> String {
        "\(self.lead)\(self.name):" + (self.shownText(masked: masked).map { " " + $0 } ?? "")
    }
}

private func keyLines<Root>(
    _ root: Root, _ keys: [ConfigKey<Root>], _ path: String, indent: Int
) -> [SettingLine] {
    configLines(root, keys, parent: path + ".").map { line in
        SettingLine(line, lead: String(repeating: " ", count: indent + 2 * line.depth))
    }
}

private func itemLines<Root>(_ root: Root, _ keys: [ConfigKey<Root>], _ path: String) -> [SettingLine] {
    var lines = keyLines(root, keys, path, indent: 4)
    if !lines.isEmpty { lines[0].lead = "  - " }
    return lines
}
