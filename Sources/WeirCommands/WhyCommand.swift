import CommandLineParsing
import EventIO
import Glibc
import JSONValues
import ServiceAssembly
import SwarmTypes
import TorrentEngine

let whyCommand = Command(
    spec: CommandSpec(
        "why", "Say what a running torrent and each of its peers waits for",
        details: [
            "Asks every `weir get`, `weir seed` and `weir serve` of this user, and prints a verdict with its evidence and what to do, the peers by the reason why they do not move, and what the trackers said. Of a torrent in a governed qBittorrent it says which cap holds it, what it was given and why. Without TORRENT it shows all torrents; of a `weir serve` the first twenty, those that need somebody before the others. Exits with 69 when no such torrent runs."
        ],
        options: [CommonOption.json],
        arguments: [
            ArgumentSpec(
                "TORRENT",
                "A .torrent file, a magnet link, the beginning of an info-hash, or a part of a name",
                isOptional: true, completion: .files)
        ],
        examples: [
            CommandExample("weir why", "All that runs"),
            CommandExample("weir why debian", "Torrents with debian in their name"),
        ])
) { invocation throws(ServiceFailure) in
    let argument = invocation.parsed.arguments.first
    let selection = try argument.map { text throws(ServiceFailure) in
        try WhyRequest.Selection(argument: text, TransferLine(invocation))
    }
    let request = WhyRequest(selection ?? .all, wantsTree: invocation.wantsJSON)
    let sessions = RunningSessions(
        asking: request, folders: askedFolders(invocation.environment))
    for name in sessions.silent {
        invocation.output.say("weir why: the session \(plain(name)) does not answer")
    }
    guard !sessions.torrents.isEmpty else {
        throw .unreachable(sessions.failureText(argument))
    }
    if invocation.wantsJSON {
        sessions.printJSON(to: invocation.output)
    } else {
        sessions.print(to: invocation.output)
    }
    return .done
}

extension WhyRequest.Selection {
    /// A file is one that is named `.torrent` and is there; a name may end like that as well.
    fileprivate init(argument text: String, _ line: TransferLine) throws(ServiceFailure) {
        if text.lowercased().hasPrefix("magnet:") {
            self = .id(try line.source(of: text).id)
        } else if text.lowercased().hasSuffix(".torrent"), access(text, F_OK) == 0 {
            self = .id(try line.source(of: text).id)
        } else {
            self = TorrentID(hex: text).map { .id($0) } ?? .text(text)
        }
    }
}

/// What the sessions of this user have answered.
private struct RunningSessions {
    struct Torrent {
        var processID: Int64
        var report: JSONValue
    }

    var torrents: [Torrent] = []
    /// Torrents that answers had no room for.
    var omitted: Int64 = 0
    var count = 0
    /// Sessions from which no whole answer came, by process.
    var silent: [String] = []

    init(asking request: WhyRequest, folders: [String]) {
        for folder in folders {
            // A folder that is not there has no sessions; one that is not safe may be anybody's.
            guard let directory = try? LocalDirectory(folder, creates: false) else { continue }
            for answer in directory.ask(request.line) {
                self.count += 1
                if !self.take(answer.bytes) { self.silent.append(answer.session) }
            }
        }
    }

    /// Answers false for what is no answer.
    private mutating func take(_ bytes: [UInt8]?) -> Bool {
        guard let bytes, let value = try? JSONReader.read(bytes),
            value["version"]?.integer == WhyRequest.version, let processID = value["pid"]?.integer,
            let reports = value["torrents"]?.elements
        else { return false }
        self.torrents += reports.map { Torrent(processID: processID, report: $0) }
        self.omitted += max(0, value["omitted"]?.integer ?? 0)
        return true
    }

    func failureText(_ argument: String?) -> String {
        if self.count == 0 {
            return
                "nothing runs; `weir get`, `weir seed` and `weir serve` are asked, and only those of this user (a system's service: sudo -u weir weir why)"
        }
        guard let argument else { return "no torrent runs" }
        return
            "no running torrent is \(mention(argument)), has it in its name or begins its info-hash with it"
    }

    func printJSON(to output: Output) {
        let sessions = self
        output.printJSON { json in
            json.member(
                "torrents",
                array: { json in
                    for torrent in sessions.torrents {
                        json.object { json in
                            json.member("pid", torrent.processID)
                            for member in torrent.report.members ?? [] {
                                json.member(member.name, member.value)
                            }
                        }
                    }
                })
            json.member("omitted", sessions.omitted)
            json.member("silent_sessions", sessions.silent)
        }
    }

    func print(to output: Output) {
        var blocks: [String] = []
        for torrent in self.torrents {
            blocks.append(
                (torrent.report.elements ?? []).map { plain($0.text ?? "") }.joined(separator: "\n"))
        }
        output.print(blocks.joined(separator: "\n\n"))
        if self.omitted > 0 { output.say("weir why: \(self.omitted) more torrents run; name one of them") }
    }
}

extension LocalAnswer {
    /// The process, as its socket is named.
    fileprivate var session: String { String(self.name.prefix { $0 != "." }) }
}
