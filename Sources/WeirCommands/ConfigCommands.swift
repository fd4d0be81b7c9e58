import CommandLineParsing
import ConfigFile
import JSONValues
import PatternMatching
import ServiceAssembly
import WeirSettings

let configCheckCommand = Command(
    spec: CommandSpec(
        "check", "Name every mistake in the configuration, with its line",
        options: [CommonOption.config, CommonOption.json])
) { invocation throws(ServiceFailure) in
    let path = invocation.configPath
    do throws(ServiceFailure) {
        let loaded = try invocation.load()
        let warnings = loaded.warnings.map(\.description)
        if invocation.wantsJSON {
            printReport(path, isValid: true, warnings, invocation.output)
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
            printReport(path, isValid: false, text.split(separator: "\n").map(String.init), invocation.output)
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
    let settings = try invocation.load().settings
    let url = invocation.parsed.arguments.first ?? ""
    let matcher: TrackerMatcher
    do throws(PatternFailure) {
        matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
    } catch {
        throw .configuration(error.description)
    }
    let place = matcher.match(url).index ?? settings.trackers.count - 1
    let tracker = settings.trackers[place].id
    let explanations = matcher.explain(url)
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member("url", url)
            json.member("tracker", tracker)
            json.member(
                "patterns",
                array: { json in
                    for pattern in explanations {
                        json.object { json in
                            json.member("tracker", pattern.id)
                            json.member("pattern", pattern.pattern)
                            json.member("result", pattern.result.rawValue)
                        }
                    }
                })
        }
    } else {
        invocation.output.print(tracker)
        invocation.output.printTable(
            ["tracker", "pattern", "result"], explanations.map { [$0.id, $0.pattern, $0.result.rawValue] })
    }
    return .done
}

private func printReport(_ path: String, isValid: Bool, _ problems: [String], _ output: Output) {
    output.printJSON { json in
        json.member("file", path)
        json.member("valid", isValid)
        json.member("problems", problems)
    }
}
