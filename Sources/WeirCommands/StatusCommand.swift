import CommandLineParsing
import JSONValues
import ServiceAssembly
import WeirSettings

let statusCommand = Command(
    spec: CommandSpec(
        "status", "Show what the running Weir does",
        options: [
            CommonOption.config, CommonOption.state, CommonOption.json,
            .flag("health", nil, "Only whether it is well: a word, and exit code 0 unless it is unhealthy"),
        ])
) { invocation throws(ServiceFailure) in
    if invocation.parsed.has("health") { return try printHealth(invocation) }
    let settings = try invocation.serviceSource().load().settings
    let url = try OneShot.run(settings) { $0.daemonURL }
    let answers = try OneShot.run(settings) { shot -> Result<[DaemonAnswer], ServiceFailure>? in
        var answers: [DaemonAnswer] = []
        for path in ["/health", "/stats/trackers", "/instances"] {
            switch await shot.daemon("GET", path) {
            case nil: return nil
            case .failure(let failure): return .failure(failure)
            case .success(let answer): answers.append(answer)
            }
        }
        return .success(answers)
    }
    guard let answers else { throw .unreachable("no Weir is running at \(url); `weir serve` starts one") }
    let found: [DaemonAnswer]
    do throws(ServiceFailure) { found = try answers.get() } catch { throw error }
    for answer in found where !answer.isSuccess { throw failure(of: answer) }
    if invocation.wantsJSON {
        var json = Array("{\"health\":".utf8) + found[0].body
        json += Array(",\"trackers\":".utf8) + found[1].body + Array(",\"instances\":".utf8) + found[2].body
        invocation.output.print(json + Array("}".utf8))
    } else {
        try printStatus(found, invocation.output)
    }
    return .done
}

/// For health checks: needs no configuration where Weir runs without one, no key, and asks one thing.
private func printHealth(_ invocation: Invocation) throws(ServiceFailure) -> ExitCode {
    let settings = try invocation.serviceSource().load().settings
    let asked = try OneShot.run(settings) { shot in (await shot.daemon("GET", "/health"), shot.daemonURL) }
    guard let answer = asked.0 else { throw .unreachable("no Weir is running at \(asked.1)") }
    let found: DaemonAnswer
    do throws(ServiceFailure) { found = try answer.get() } catch { throw error }
    guard found.isSuccess else { throw failure(of: found) }
    let status = try decoded(found)["status"]?.text ?? "unknown"
    invocation.output.print(invocation.wantsJSON ? found.body : Array(plain(status).utf8))
    return status == "unhealthy" ? .failed : .done
}

private func printStatus(_ answers: [DaemonAnswer], _ output: Output) throws(ServiceFailure) {
    let health = try decoded(answers[0])
    let trackers = try decoded(answers[1]).members ?? []
    func number(_ name: String) -> Int64 { health[name]?.double.map { Int64($0) } ?? 0 }
    var line = "Weir \(health["version"]?.text ?? "?"): \(health["status"]?.text ?? "?")"
    line += ", up \(number("uptime_seconds")) s"
    line += ", \(number("managed_torrents")) torrents governed, \(number("active_torrents")) active"
    if number("rollout_percentage") < 100 { line += ", rollout \(number("rollout_percentage")) %" }
    if health["dry_run"]?.boolean == true { line += ", dry run" }
    output.print(plain(line))
    for problem in health["problems"]?.elements ?? [] { output.print("  ! \(plain(problem.text ?? ""))") }
    func mebibytes(_ value: JSONValue?) -> String {
        value?.double.map { rateText($0 * 1_048_576) } ?? "no cap"
    }
    output.printTable(
        ["tracker", "uses", "cap", "effective", "active"], rightAligned: [1, 2, 3, 4],
        trackers.map { tracker in
            let values = tracker.value
            return [
                plain(tracker.name), mebibytes(values["current_usage_mbps"]),
                mebibytes(values["configured_limit_mbps"]), mebibytes(values["effective_cap_mbps"]),
                "\(values["active_torrents"]?.integer ?? 0)",
            ]
        })
}
