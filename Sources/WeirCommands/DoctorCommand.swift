import CommandLineParsing
import ConfigFile
import ServiceAssembly
import WeirSettings

let doctorCommand = Command(
    spec: CommandSpec(
        "doctor", "Look for everything that is in the way, and say what to do",
        details: [
            "Checks the configuration, the journal, each qBittorrent, its credentials, version, preferences and hook. Changes nothing."
        ],
        options: [CommonOption.config, CommonOption.json])
) { invocation throws(ServiceFailure) in
    struct Row: Encodable {
        var subject: String
        var verdict: String
        var text: String
        var remedy: String?
    }
    let loaded = try invocation.load()
    var findings = loaded.warnings.map {
        Finding("configuration", .warning, $0.description)
    }
    if findings.isEmpty { findings.append(Finding("configuration \(invocation.configPath)", .ok, "valid")) }
    findings += try OneShot.run(loaded.settings) { await $0.examine() }
    if invocation.wantsJSON {
        invocation.output.printJSON(
            findings.map {
                Row(subject: $0.subject, verdict: $0.verdict.rawValue, text: $0.text, remedy: $0.remedy)
            })
    } else {
        for finding in findings {
            let mark =
                finding.verdict == .ok ? "ok     " : finding.verdict == .warning ? "warning" : "PROBLEM"
            invocation.output.print("\(mark)  \(plain(finding.subject)): \(plain(finding.text))")
            if let remedy = finding.remedy { invocation.output.print("         → \(remedy)") }
        }
    }
    return findings.contains { $0.verdict == .problem } ? .failed : .done
}
