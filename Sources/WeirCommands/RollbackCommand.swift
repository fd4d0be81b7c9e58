import CommandLineParsing
import JSONValues
import ServiceAssembly
import WeirSettings

let rollbackCommand = Command(
    spec: CommandSpec(
        "rollback", "Give every torrent the limit back that it had before Weir",
        details: [
            "Works with and without a running Weir. Afterwards Weir keeps its hands off until `weir resume`. Limits that you set yourself meanwhile stay."
        ],
        options: [
            CommonOption.config, CommonOption.json, CommonOption.yes,
            .value("reason", nil, "TEXT", "Why, for the log"),
        ])
) { invocation throws(ServiceFailure) in
    let settings = try invocation.load().settings
    guard
        invocation.parsed.has("yes")
            || invocation.output.confirms("Give every torrent its original limit back and stop governing?")
    else { return .refused }
    let reason = invocation.parsed.value("reason") ?? "weir rollback"
    let outcome = try OneShot.run(settings) { shot -> Result<Rollback, ServiceFailure> in
        var body = JSONWriter()
        body.object { json in
            json.member("confirm", true)
            json.member("reason", reason)
        }
        switch await shot.daemon("POST", "/rollback", body: body.bytes) {
        case .success(let answer): return Result { () throws(ServiceFailure) in try Rollback(answer) }
        case .failure(let failure): return .failure(failure)
        case nil: return await shot.rollBack().map(Rollback.init)
        }
    }
    let rollback: Rollback
    do throws(ServiceFailure) { rollback = try outcome.get() } catch { throw error }
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member("restored", rollback.restored)
            json.member("remaining", rollback.remaining)
            json.member("problems", rollback.problems)
        }
    } else {
        for problem in rollback.problems { invocation.output.say(problem) }
        let rest = rollback.remaining == 0 ? "" : "; \(rollback.remaining) could not be reached yet"
        invocation.output.print("\(rollback.restored) limits given back\(rest)")
    }
    return rollback.remaining == 0 ? .done : .partlyApplied
}

private struct Rollback: Sendable {
    var restored: Int
    var remaining: Int
    var problems: [String]

    init(_ offline: OfflineRollback) {
        self.restored = offline.restored
        self.remaining = offline.remaining
        self.problems = offline.problems
    }

    init(_ answer: DaemonAnswer) throws(ServiceFailure) {
        let body = try decoded(answer)
        guard let restored = body["changes_reversed"]?.integer else { throw strangeAnswer }
        self.restored = Int(clamping: restored)
        self.remaining = Int(clamping: body["remaining"]?.integer ?? 0)
        self.problems = []
    }
}

let pauseCommand = Command(
    spec: CommandSpec("pause", "Keep hands off: look, but change no limit", options: [CommonOption.config])
) { invocation throws(ServiceFailure) in
    try setPaused(true, invocation)
}

let resumeCommand = Command(
    spec: CommandSpec("resume", "Govern again, after a pause or a rollback", options: [CommonOption.config])
) { invocation throws(ServiceFailure) in
    try setPaused(false, invocation)
}

private func setPaused(_ isPaused: Bool, _ invocation: Invocation) throws(ServiceFailure) -> ExitCode {
    let settings = try invocation.load().settings
    let problem = try OneShot.run(settings) { shot -> ServiceFailure? in
        switch await shot.daemon("POST", isPaused ? "/pause" : "/resume") {
        case .success(let answer) where answer.isSuccess: return nil
        case .success(let answer): return failure(of: answer)
        case .failure(let failure): return failure
        case nil:
            if case .failure(let failure) = await shot.setPaused(isPaused) { return failure }
            return nil
        }
    }
    if let problem { throw problem }
    invocation.output.say(isPaused ? "Weir keeps its hands off." : "Weir governs.")
    return .done
}

/// Reads a running Weir's answer, or says why it gave none.
func decoded(_ answer: DaemonAnswer) throws(ServiceFailure) -> JSONValue {
    guard answer.isSuccess else { throw failure(of: answer) }
    do { return try JSONReader.read(answer.body) } catch { throw strangeAnswer }
}

let strangeAnswer = ServiceFailure.system(
    "the running Weir's answer cannot be understood; is it of another version?")

func failure(of answer: DaemonAnswer) -> ServiceFailure {
    let body = try? JSONReader.read(answer.body)
    let text = body?["error"]?["message"]?.text ?? "it answers with status \(answer.status)"
    switch answer.status {
    case 401:
        return .refused(
            "the running Weir asks who you are. Run this as the user that Weir runs as (of a system's service: sudo -u weir …), or put one of its keys into the configuration as global.api_key."
        )
    case 403: return .refused("the running Weir refuses: \(text)")
    default: return .system("the running Weir says: \(text)")
    }
}
