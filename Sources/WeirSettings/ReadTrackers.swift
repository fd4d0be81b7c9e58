import ConfigFile
import PatternMatching

/// Reads `trackers`, and holds the rules that concern all of them together.
func readTrackers(_ entry: ConfigEntry?, _ reading: inout ConfigReading) -> [TrackerSettings] {
    guard let entry, !entry.value.isNull else {
        reading.report(
            ConfigProblem(
                .missing, at: reading.place(entry?.keyPosition ?? .start), key: "trackers",
                "there are no trackers", remedy: "write at least\ntrackers:\n\(catchAllLines)"))
        return []
    }
    guard case .sequence(let items) = entry.value.content, !items.isEmpty else {
        reading.report(
            ConfigProblem(
                .wrongType, at: reading.place(entry.value.position), key: "trackers",
                found: entry.value.content == .sequence([]) ? "an empty list" : entry.value.kindName,
                allowed: "a list of trackers", remedy: "write at least\ntrackers:\n\(catchAllLines)"))
        return []
    }
    var trackers: [TrackerSettings] = []
    /// The line of each id.
    var lines: [String: Int] = [:]
    for (index, node) in items.enumerated() {
        var tracker = TrackerSettings()
        let scope = ConfigScope(path: "trackers[\(index)]", variablePrefix: nil, position: node.position)
        reading.group(&tracker, TrackerSettings.keys, node.isNull ? nil : node, scope)
        if tracker.name.isEmpty { tracker.name = tracker.id }
        if !tracker.id.isEmpty, let line = lines.updateValue(node.position.line, forKey: tracker.id) {
            reading.report(
                ConfigProblem(
                    .duplicateName, at: reading.place(of: scope.path + ".id", else: node.position),
                    key: scope.path + ".id", "the id \(tracker.id) is taken by the tracker in line \(line)",
                    remedy: "give each tracker an id of its own"))
        }
        checkPattern(tracker, scope, &reading)
        trackers.append(tracker)
    }
    checkCatchAll(trackers, items, entry, &reading)
    return trackers
}

private let catchAllLines = """
      - id: default
        pattern: ".*"
        max_upload_speed: -1
    """

private func checkPattern(_ tracker: TrackerSettings, _ scope: ConfigScope, _ reading: inout ConfigReading) {
    let path = scope.path + ".pattern"
    guard reading.origins[path] != .standard, !reading.hasError(path),
        !TrackerMatcher.isCatchAll(tracker.pattern)
    else { return }
    let place = reading.place(of: path, else: scope.position)
    do {
        let pattern = try TrackerPattern(tracker.pattern)
        if pattern.matchesEverything {
            reading.report(
                ConfigProblem(
                    .doubtful, .warning, at: place, key: path,
                    "the pattern matches every URL, so no tracker after it is ever reached"))
        }
    } catch {
        reading.report(
            ConfigProblem(
                .badPattern, at: place, key: path, "the pattern is not valid: \(error)",
                found: shown(tracker.pattern)))
    }
}

/// Exactly one catch-all, and it is the last: what stands after it could never match.
private func checkCatchAll(
    _ trackers: [TrackerSettings], _ nodes: [ConfigNode], _ entry: ConfigEntry, _ reading: inout ConfigReading
) {
    let isCatchAll = trackers.map { TrackerMatcher.isCatchAll($0.pattern) }
    guard isCatchAll.contains(true) else {
        reading.report(
            ConfigProblem(
                .missing, at: reading.place(entry.keyPosition), key: "trackers",
                "no tracker catches the torrents that match no other (pattern: \".*\")",
                remedy: "add as the last of the list\n\(catchAllLines)"))
        return
    }
    for (index, node) in nodes.enumerated().dropLast() where isCatchAll[index] {
        let path = "trackers[\(index)].pattern"
        reading.report(
            ConfigProblem(
                .conflict, at: reading.place(of: path, else: node.position), key: path,
                isCatchAll.last == true
                    ? "two trackers catch all; only the last one may"
                    : "the catch-all is not the last tracker",
                remedy: isCatchAll.last == true ? "remove this one" : "move it to the end of the list"))
    }
}
