import CommandLineParsing
import ConfigFile
import JSONValues
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
    let loaded = try invocation.load()
    var findings = loaded.warnings.map {
        Finding("configuration", .warning, $0.description)
    }
    if findings.isEmpty { findings.append(Finding("configuration \(invocation.configPath)", .ok, "valid")) }
    findings += try OneShot.run(loaded.settings) { await $0.examine() }
    if invocation.wantsJSON {
        let listed = findings
        invocation.output.printJSON { json in
            json.member(
                "findings",
                array: { json in
                    for finding in listed {
                        json.object { json in
                            json.member("subject", finding.subject)
                            json.member("verdict", finding.verdict.rawValue)
                            json.member("text", finding.text)
                            json.member("remedy", finding.remedy)
                        }
                    }
                })
        }
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
