import ChangeJournal
import EventIO
import Glibc
import PatternMatching
import QBittorrentAPI
import SwarmTypes
import UploadGovernor
import WeirSettings

/// One thing that was looked at.
public struct Finding: Hashable, Sendable {
    public enum Verdict: String, Hashable, Sendable { case ok, warning, problem }

    public var subject: String
    public var verdict: Verdict
    public var text: String
    /// What to do about it; nil where there is nothing to do.
    public var remedy: String?

    public init(_ subject: String, _ verdict: Verdict, _ text: String, remedy: String? = nil) {
        self.subject = subject
        self.verdict = verdict
        self.text = text
        self.remedy = remedy
    }
}

extension OneShot {
    /// Looks at everything that can be in the way, and changes nothing.
    public func examine() async -> [Finding] {
        var findings = self.journalFindings()
        findings += await self.serviceFindings()
        for (settings, client) in await self.clients() {
            findings += await self.findings(on: client, settings)
        }
        return findings
    }

    private func journalFindings() -> [Finding] {
        let path = self.settings.rollback.databasePath
        let subject = "journal \(path)"
        if access(path, F_OK) == 0 {
            guard access(path, R_OK | W_OK) == 0 else {
                return [
                    Finding(
                        subject, .problem, "it cannot be written: \(String(cString: strerror(errno)))",
                        remedy: "run Weir as the owner of the file, or change rollback.database_path")
                ]
            }
            return [Finding(subject, .ok, "is there and can be written")]
        }
        var folder = path[...]
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            if folder.isEmpty || access(String(folder), F_OK) == 0 { break }
        }
        let parent = folder.contains("/") || path.hasPrefix("/") || path.contains("/") ? String(folder) : "."
        guard access(parent.isEmpty ? "/" : parent, W_OK) == 0 else {
            return [
                Finding(
                    subject, .problem, "it cannot be made: \(parent) is not writable",
                    remedy: "change rollback.database_path, or the rights of \(parent)")
            ]
        }
        return [Finding(subject, .ok, "will be made at the first start")]
    }

    private func serviceFindings() async -> [Finding] {
        let subject = "service \(self.daemonURL)"
        switch await self.daemon("GET", "/healthz") {
        case nil: return [Finding(subject, .ok, "no Weir is running there")]
        case .success(let answer) where answer.isSuccess: return [Finding(subject, .ok, "a Weir is running")]
        case .success(let answer):
            return [
                Finding(
                    subject, .problem, "something else answers there, with status \(answer.status)",
                    remedy: "choose another global.port, or stop the other program")
            ]
        case .failure(let failure): return [Finding(subject, .problem, failure.message)]
        }
    }

    private func findings(
        on instance: QBittorrentInstance, _ settings: InstanceSettings
    ) async -> [Finding] {
        let subject = "qBittorrent \(settings.name) at \(settings.address.url)"
        var findings: [Finding] = []
        do throws(ClientProblem) {
            _ = try await instance.poll(.cheap, hints: [])
            let version = await instance.version()
            let seen = await instance.torrents()
            findings.append(
                Finding(
                    subject, .ok,
                    "\(version.application ?? "?") (Web API \(version.webAPI ?? "?")), \(seen.torrents.count) torrents"
                ))
            findings += self.placeFindings(seen, await instance.trackerSets(from: 0), subject)
            findings += preferenceFindings(try await instance.preferences(), subject, self.settings)
        } catch {
            findings.append(Finding(subject, .problem, error.message, remedy: remedy(for: error)))
        }
        if case .login(let user, let password) = settings.credentials, user == "admin",
            password == "adminadmin"
        {
            findings.append(
                Finding(
                    subject, .warning, "it has qBittorrent's default password, which attackers try first",
                    remedy: "set another one in its options"))
        }
        return findings
    }

    private func placeFindings(_ seen: SeenTorrents, _ sets: [[String]], _ subject: String) -> [Finding] {
        guard let matcher = try? TrackerMatcher(patterns: self.settings.trackers.map { ($0.id, $0.pattern) })
        else {
            return []
        }
        let places = sets.map { matcher.match($0.first ?? "").index ?? self.settings.trackers.count - 1 }
        var counts = [Int](repeating: 0, count: self.settings.trackers.count)
        for torrent in seen.torrents where places.indices.contains(Int(torrent.trackerSet)) {
            counts[places[Int(torrent.trackerSet)]] += 1
        }
        let text = zip(self.settings.trackers, counts).map { "\($0.id) \($1)" }.joined(separator: ", ")
        return [Finding(subject, .ok, "torrents by tracker: \(text)")]
    }
}

private func preferenceFindings(
    _ preferences: Preferences, _ subject: String, _ settings: Settings
) -> [Finding] {
    var findings: [Finding] = []
    if preferences.limitsLocalPeers == false {
        findings.append(
            Finding(
                subject, .warning, "peers in the local network escape every limit",
                remedy: "switch on \"Apply rate limit to peers on LAN\" in its options"))
    }
    if preferences.limitsUTP == false {
        findings.append(
            Finding(
                subject, .warning, "µTP connections escape every limit",
                remedy: "switch on \"Apply rate limit to µTP protocol\" in its options"))
    }
    let caps = settings.trackers.compactMap(\.cap.rate?.bytesPerSecond)
    if let global = preferences.globalUploadLimit.rate?.bytesPerSecond, let largest = caps.max(),
        global < largest
    {
        findings.append(
            Finding(
                subject, .warning,
                "its global upload limit of \(global) B/s is below the cap of a tracker (\(largest) B/s)",
                remedy: "raise one or lower the other; the smaller one holds"))
    }
    let lines = [preferences.onCompletion, preferences.onAddition].compactMap { $0 }
    let isInstalled = lines.contains { $0.isEnabled && $0.commandLine.holds("/webhook") }
    findings.append(
        isInstalled
            ? Finding(subject, .ok, "it tells Weir of new torrents by the webhook")
            : Finding(
                subject, .warning, "it does not tell Weir of new torrents; they are found by the next poll",
                remedy: "`weir hook install`"))
    return findings
}

private func remedy(for problem: ClientProblem) -> String {
    switch problem {
    case .unreachable: "check the url, and that qBittorrent runs with its Web UI switched on"
    case .refused:
        "mend username and password (or api_key) in the configuration, or in qBittorrent and then `weir resume`"
    case .faulty: "check that the url leads to qBittorrent itself, with its base path if it has one"
    }
}
