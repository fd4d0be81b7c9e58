import CommandLineParsing
import ConfigFile
import PatternMatching
import ServiceAssembly
import WeirSettings

let configCheckCommand = Command(
    spec: CommandSpec(
        "check", "Name every mistake in the configuration, with its line",
        options: [CommonOption.config, CommonOption.json])
) { invocation throws(ServiceFailure) in
    struct Report: Encodable {
        var file: String
        var isValid: Bool
        var problems: [String]

        enum CodingKeys: String, CodingKey {
            case file, problems
            case isValid = "valid"
        }
    }
    let path = invocation.configPath
    do throws(ServiceFailure) {
        let loaded = try invocation.load()
        let warnings = loaded.warnings.map(\.description)
        if invocation.wantsJSON {
            invocation.output.printJSON(Report(file: path, isValid: true, problems: warnings))
        } else {
            for warning in warnings { invocation.output.say(warning) }
            invocation.output.print(
                "\(path): valid; \(loaded.settings.trackers.count) trackers, \(loaded.settings.instances.count) qBittorrent"
            )
        }
        return .done
    } catch {
        guard case .configuration(let text) = error else { throw error }
        if invocation.wantsJSON {
            invocation.output.printJSON(
                Report(file: path, isValid: false, problems: text.split(separator: "\n").map(String.init)))
        } else {
            invocation.output.say(text)
        }
        return .badConfiguration
    }
}

let configPrintCommand = Command(
    spec: CommandSpec(
        "print", "Show the configuration as Weir understands it, secrets masked",
        options: [
            CommonOption.config, .flag("origin", nil, "Say for each value where it comes from"),
        ])
) { invocation throws(ServiceFailure) in
    let loaded = try invocation.load()
    invocation.output.print(
        loaded.settings.printed(masked: true, origins: invocation.parsed.has("origin") ? loaded.origins : nil)
    )
    return .done
}

let configInitCommand = Command(
    spec: CommandSpec(
        "init", "Print a commented configuration to start from",
        examples: [CommandExample("weir config init > weir.yaml", "Begin a configuration")])
) { invocation throws(ServiceFailure) in
    invocation.output.print(Settings.template)
    return .done
}

let matchCommand = Command(
    spec: CommandSpec(
        "match", "Say which tracker an announce URL belongs to, and why",
        options: [CommonOption.config, CommonOption.json],
        arguments: [ArgumentSpec("URL", "The announce URL")])
) { invocation throws(ServiceFailure) in
    struct Report: Encodable {
        struct Pattern: Encodable {
            var tracker: String
            var pattern: String
            var result: String
        }
        var url: String
        var tracker: String
        var patterns: [Pattern]
    }
    let settings = try invocation.load().settings
    let url = invocation.parsed.arguments.first ?? ""
    let matcher: TrackerMatcher
    do throws(PatternFailure) {
        matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
    } catch {
        throw .configuration(error.description)
    }
    let place = matcher.match(url).index ?? settings.trackers.count - 1
    let report = Report(
        url: url, tracker: settings.trackers[place].id,
        patterns: matcher.explain(url).map {
            .init(tracker: $0.id, pattern: $0.pattern, result: $0.result.rawValue)
        })
    if invocation.wantsJSON {
        invocation.output.printJSON(report)
    } else {
        invocation.output.print(report.tracker)
        invocation.output.printTable(
            ["tracker", "pattern", "result"], report.patterns.map { [$0.tracker, $0.pattern, $0.result] })
    }
    return .done
}
