import CommandLineParsing
import ConfigFile
import EventIO
import Glibc
import JSONValues
import MetainfoCoding
import ServiceAssembly
import StallDiagnosis
import TorrentEngine
import WeirSettings

let doctorCommand = Command(
    spec: CommandSpec(
        "doctor", "Look for everything that is in the way, and say what to do",
        details: [
            "Checks the configuration, the journal, each qBittorrent, its credentials, version, preferences and hook. Changes nothing.",
            "With --engine, or where there is no configuration, it checks what `weir get` and `weir seed` need: port, routes, names, trackers, open files and disk. Trackers are knocked at, and told nothing.",
        ],
        options: [
            CommonOption.config, CommonOption.json,
            .flag("engine", nil, "Check what downloading and seeding need"),
            .value("torrent", nil, "FILE", "Knock at this torrent's trackers too", completion: .files),
            .value("dir", "d", "DIR", "The folder that downloads go to", completion: .files),
            .value("port", "p", "N", "The port to take peers on"),
        ])
) { invocation throws(ServiceFailure) in
    let engineOptions = ["engine", "torrent", "dir", "port"]
    let isForced = engineOptions.contains { invocation.parsed.has($0) || invocation.parsed.value($0) != nil }
    // A configuration that was named and is not there is an error, and not a wish to do without.
    let hasConfiguration =
        invocation.parsed.value("config") != nil || access(invocation.configPath, F_OK) == 0
    var findings: [Finding] = []
    var engine: [DoctorFinding] = []
    if isForced || !hasConfiguration { engine = try invocation.engineFindings() }
    if hasConfiguration { findings = try invocation.governorFindings() }
    if invocation.wantsJSON {
        let (listed, ofEngine) = (findings, engine)
        invocation.output.printJSON { json in
            json.member(
                "findings",
                array: { json in
                    for finding in listed { json.object { finding.write(to: &$0) } }
                    for finding in ofEngine {
                        json.object { json in
                            finding.asFinding.write(to: &json)
                            json.name("engine")
                            json.value(finding.tree)
                        }
                    }
                })
        }
    } else {
        for finding in findings + engine.map(\.asFinding) { finding.print(to: invocation.output) }
    }
    return (findings + engine.map(\.asFinding)).contains { $0.verdict == .problem } ? .failed : .done
}

extension Invocation {
    fileprivate func governorFindings() throws(ServiceFailure) -> [Finding] {
        let loaded = try self.load()
        var findings = loaded.warnings.map {
            Finding("configuration", .warning, $0.description)
        }
        if findings.isEmpty { findings.append(Finding("configuration \(self.configPath)", .ok, "valid")) }
        return findings + (try OneShot.run(loaded.settings) { await $0.examine() })
    }

    fileprivate func engineFindings() throws(ServiceFailure) -> [DoctorFinding] {
        let line = TransferLine(self)
        var probe = ConnectabilityProbe()
        probe.port = try line.port()
        probe.directory = self.parsed.value("dir") ?? "."
        if let path = self.parsed.value("torrent") {
            switch try line.source(of: path) {
            case .metainfo(let metainfo):
                probe.trackers = metainfo.announcement.tiers.flatMap { $0 }
                probe.neededBytes = metainfo.contentLength
            case .magnet(let link): probe.trackers = link.announcement.tiers.flatMap { $0 }
            }
        }
        do throws(SystemCallFailure) {
            return diagnose(try probe.facts())
        } catch {
            throw .system(error.description)
        }
    }
}

extension DoctorFinding {
    /// In the words of the governor's checks.
    fileprivate var asFinding: Finding {
        let verdict: Finding.Verdict =
            switch self.severity {
            case .expected: .ok
            case .watch: .warning
            case .problem: .problem
            }
        return Finding(
            "engine", verdict,
            ([self.code.meaning] + self.evidence.map { "(\($0.phrase))" }).joined(separator: " "),
            remedy: self.code.remedy)
    }
}

extension Finding {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("subject", self.subject)
        json.member("verdict", self.verdict.rawValue)
        json.member("text", self.text)
        json.member("remedy", self.remedy)
    }

    fileprivate func print(to output: Output) {
        let mark = self.verdict == .ok ? "ok     " : self.verdict == .warning ? "warning" : "PROBLEM"
        output.print("\(mark)  \(plain(self.subject)): \(plain(self.text))")
        if let remedy = self.remedy { output.print("         → \(remedy)") }
    }
}
