import CommandLineParsing
import FoundationEssentials
import ServiceAssembly
import WeirSettings

let statusCommand = Command(
    spec: CommandSpec(
        "status", "Show what the running Weir does",
        options: [CommonOption.config, CommonOption.json])
) { invocation throws(ServiceFailure) in
    let settings = try invocation.load().settings
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

private struct Health: Decodable {
    var status: String
    var problems: [String]?
    var version: String
    var uptime_seconds: Double
    var rollout_percentage: Int
    var dry_run: Bool
    var active_torrents: Int
    var managed_torrents: Int
    var api_calls_last_cycle: Int
}

private struct Tracker: Decodable {
    var name: String
    var configured_limit_mbps: Double?
    var active_torrents: Int
    var current_usage_mbps: Double
    var effective_cap_mbps: Double?
}

private func printStatus(_ answers: [DaemonAnswer], _ output: Output) throws(ServiceFailure) {
    let health: Health = try decoded(answers[0])
    let trackers: [String: Tracker] = try decoded(answers[1])
    var line = "Weir \(health.version): \(health.status), up \(Int(health.uptime_seconds)) s"
    line += ", \(health.managed_torrents) torrents governed, \(health.active_torrents) active"
    if health.rollout_percentage < 100 { line += ", rollout \(health.rollout_percentage) %" }
    if health.dry_run { line += ", dry run" }
    output.print(line)
    for problem in health.problems ?? [] { output.print("  ! \(plain(problem))") }
    func mebibytes(_ value: Double?) -> String { value.map { rateText($0 * 1_048_576) } ?? "no cap" }
    output.printTable(
        ["tracker", "uses", "cap", "effective", "active"], rightAligned: [1, 2, 3, 4],
        trackers.sorted { $0.key < $1.key }.map { id, tracker in
            [
                plain(id), mebibytes(tracker.current_usage_mbps), mebibytes(tracker.configured_limit_mbps),
                mebibytes(tracker.effective_cap_mbps), "\(tracker.active_torrents)",
            ]
        })
}
