import CommandLineParsing
import ServiceAssembly
import WeirSettings

let hookInstallCommand = Command(
    spec: CommandSpec(
        "install", "Put the one safe command line into qBittorrent's preferences",
        details: [
            "qBittorrent then tells Weir of each torrent that is added (4.5 and later) or completed, by its hash and nothing else. A program that is already there is not replaced."
        ],
        options: [CommonOption.config, CommonOption.yes])
) { invocation throws(ServiceFailure) in
    try changeHooks(invocation, installing: true)
}

let hookRemoveCommand = Command(
    spec: CommandSpec(
        "remove", "Take Weir's command line out of qBittorrent's preferences",
        options: [CommonOption.config, CommonOption.yes])
) { invocation throws(ServiceFailure) in
    try changeHooks(invocation, installing: false)
}

private func changeHooks(_ invocation: Invocation, installing: Bool) throws(ServiceFailure) -> ExitCode {
    let settings = try invocation.load().settings
    let results = try OneShot.run(settings) { shot in
        await shot.hookChanges(installing: installing).map { HookResult(instance: $0.instance, result: $0.1) }
    }
    var changes: [HookChange] = []
    var failure: ServiceFailure?
    for result in results {
        do throws(ServiceFailure) {
            changes += try result.result.get()
        } catch {
            invocation.output.say("\(result.instance): \(plain(error.message))")
            failure = error
        }
    }
    for change in changes {
        invocation.output.say("\(change.instance), \(change.event.rawValue):")
        invocation.output.say("  now:  \(plain(change.before ?? "nothing"))")
        invocation.output.say("  then: \(change.after ?? "nothing")")
    }
    guard !changes.isEmpty else {
        if failure == nil { invocation.output.say("There is nothing to change.") }
        return failure.map(exitCode) ?? .done
    }
    guard invocation.parsed.has("yes") || invocation.output.confirms("Change this?") else { return .refused }
    let wanted = changes
    if let problem = try OneShot.run(settings, { await $0.apply(wanted) }) { throw problem }
    invocation.output.say("Done.")
    return failure == nil ? .done : .partlyApplied
}

private struct HookResult: Sendable {
    var instance: String
    var result: Result<[HookChange], ServiceFailure>
}
