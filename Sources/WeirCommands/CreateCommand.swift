import CommandLineParsing
import EventIO
import Glibc
import JSONValues
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentCreation

let createCommand = Command(
    spec: CommandSpec(
        "create", "Make a torrent of a file or a folder",
        details: [
            "Reads all of it once, on every processor. Files are in the order of their names, so that the same files and options give the same info-hash. A symbolic link stands for the file or folder it leads to.",
            "Each --tracker is a tier of its own, asked when those before it do not answer; --tier gives a tier of several, asked by lot.",
        ],
        options: [
            .value("output", "o", "FILE", "The torrent file; NAME.torrent by default", completion: .files),
            .flag("force", nil, "Replace the torrent file where there is one"),
            .value("tracker", "t", "URL", "An announce URL", isRepeatable: true),
            .value("tier", nil, "URL,URL...", "Announce URLs of one tier", isRepeatable: true),
            .flag("private", "p", "Peers only from its trackers (BEP 27)"),
            .flag("v1", nil, "For every client (BEP 3); the default"),
            .flag("v2", nil, "For new clients only (BEP 52)"),
            .flag("hybrid", nil, "For both, with padding between files"),
            .value("piece-length", "l", "SIZE", "A power of two from 16K on; by size when left out"),
            .value("web-seed", "w", "URL", "Where the files lie on the web (BEP 19)", isRepeatable: true),
            .value("name", "n", "NAME", "The torrent's name; that of PATH by default"),
            .value("comment", "c", "TEXT", "A comment"),
            .value("source", "s", "TEXT", "Gives the same files another info-hash, as trackers ask for"),
            .flag("no-date", nil, "Leave out when and by what it was made"),
            CommonOption.json,
        ],
        arguments: [ArgumentSpec("PATH", "A file or a folder", completion: .files)],
        examples: [
            CommandExample(
                "weir create -p -t https://tracker.example/KEY/announce album",
                "A private torrent of the folder album, in album.torrent")
        ])
) { invocation throws(ServiceFailure) in
    let request: CreateRequest
    do throws(CreateUsage) {
        request = try CreateRequest(invocation.parsed)
    } catch {
        invocation.output.say("weir create: \(error.text)")
        return .usage
    }
    return request.run(invocation)
}

/// A command line that cannot be carried out.
private struct CreateUsage: Error {
    var text: String
}

private struct CreateRequest {
    var path: String
    var name: String?
    var output: String?
    var replaces: Bool
    var options = TorrentOptions()

    init(_ parsed: ParsedCommand) throws(CreateUsage) {
        self.path = parsed.arguments.first ?? ""
        self.name = parsed.value("name")
        self.output = parsed.value("output")
        self.replaces = parsed.has("force")
        let versions: [(String, TorrentVersion)] = [("v1", .v1), ("v2", .v2), ("hybrid", .hybrid)]
        let chosen = versions.filter { parsed.has($0.0) }
        guard chosen.count <= 1 else { throw CreateUsage(text: "take one of --v1, --v2 and --hybrid") }
        self.options.version = chosen.first?.1 ?? .v1
        self.options.isPrivate = parsed.has("private")
        self.options.source = parsed.value("source")
        if let text = parsed.value("piece-length") {
            guard let count = byteCount(text), let length = UInt32(exactly: count), length >= 16 << 10,
                length <= 1 << 30, length & (length - 1) == 0
            else {
                throw CreateUsage(
                    text: "--piece-length takes a power of two from 16K to 1G, found \(plain(text))")
            }
            self.options.pieceLength = length
        }
        var announcement = Announcement()
        for text in parsed.values("tracker") { announcement.tiers.append([try Self.trackerURL(text)]) }
        for text in parsed.values("tier") {
            var tier: [String] = []
            for part in text.split(separator: ",") { tier.append(try Self.trackerURL(String(part))) }
            if !tier.isEmpty { announcement.tiers.append(tier) }
        }
        for text in parsed.values("web-seed") {
            guard let url = Announcement.webSeedURL(text) else {
                throw CreateUsage(text: "\(plain(text)) is no http or https URL")
            }
            announcement.webSeeds.append(url)
        }
        announcement.comment = parsed.value("comment")
        if !parsed.has("no-date") {
            announcement.createdBy = "weir \(weirVersion)"
            announcement.creationDate = Int64(time(nil))
        }
        self.options.announcement = announcement
    }

    private static func trackerURL(_ text: String) throws(CreateUsage) -> String {
        guard let url = Announcement.trackerURL(text) else {
            throw CreateUsage(text: "\(plain(text)) is no http, https or udp URL")
        }
        return url
    }

    /// Where the torrent goes if nothing is said: in the working folder, so that the source stays as it is.
    private var expectedOutput: String? {
        if let path = self.output { return path }
        let last = self.path.split(separator: "/").last.map(String.init) ?? ""
        guard let name = self.name ?? (["", ".", ".."].contains(last) ? nil : last) else { return nil }
        return "./\(name).torrent"
    }

    func run(_ invocation: Invocation) -> ExitCode {
        let output = invocation.output
        // Now, and not after hours of reading.
        if let path = self.expectedOutput, !self.replaces, access(path, F_OK) == 0 {
            output.say("weir create: \(plain(path)) is there already; --force replaces it")
            return .failed
        }
        let line = ProgressLine()
        let started = monotonicNow()
        let created: CreatedTorrent
        do throws(CreationFailure) {
            created = try createTorrent(of: self.path, name: self.name, options: self.options) { progress in
                line.show { progressText(progress, seconds: monotonicNow().seconds(since: started)) }
                return true
            }
            line.clear()
        } catch {
            line.clear()
            output.say("weir create: \(plain(error.description))")
            return exitCode(of: error)
        }
        let path = self.output ?? "./\(created.metainfo.name).torrent"
        do throws(WriteFailure) {
            try write(created.torrentFile, to: path, replacing: self.replaces)
        } catch {
            output.say(
                "weir create: \(plain(path)) cannot be written: \(String(cString: strerror(error.code)))")
            return .failed
        }
        self.report(created, path: path, invocation)
        return .done
    }

    private func report(_ created: CreatedTorrent, path: String, _ invocation: Invocation) {
        let (output, metainfo) = (invocation.output, created.metainfo)
        if invocation.wantsJSON {
            output.printJSON { json in
                json.member("file", path)
                metainfo.writeSummary(to: &json)
                json.member("file_count", metainfo.files.filter { !$0.isPadding }.count)
                json.member(
                    "renamed",
                    array: { json in
                        for (from, to) in created.renamed {
                            json.object { json in
                                json.member("from", from)
                                json.member("to", to)
                            }
                        }
                    })
            }
        } else {
            output.print(
                "\(plain(path)): \((metainfo.v1ID?.hex ?? metainfo.v2InfoHash?.hex) ?? ""), \(sizeText(metainfo.contentLength)) in \(metainfo.geometry.pieceCount) pieces of \(sizeText(Int64(metainfo.geometry.pieceLength)))"
            )
        }
        for (from, to) in created.renamed.prefix(20) {
            output.say(
                "weir create: clients will store \(plain(from)) as \(plain(to)); rename the file to seed it")
        }
        if created.renamed.count > 20 { output.say("weir create: … and \(created.renamed.count - 20) more") }
    }
}

private func progressText(_ progress: CreationProgress, seconds: Double) -> String {
    let percent =
        progress.totalLength > 0 ? Double(progress.hashedLength) / Double(progress.totalLength) * 100 : 100
    let rate = seconds > 0 ? Double(progress.hashedLength) / seconds : 0
    return
        "hashing: \(Int(percent)) %, \(sizeText(progress.hashedLength)) of \(sizeText(progress.totalLength)), \(rateText(rate))"
}

private struct WriteFailure: Error {
    /// `errno`.
    var code: Int32
}

/// Beside the old file first, so that there is always a whole one.
private func write(_ bytes: [UInt8], to path: String, replacing: Bool) throws(WriteFailure) {
    let target = replacing ? "\(path).new" : path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL)
    let descriptor = open(target, flags, 0o644)
    guard descriptor >= 0 else { throw WriteFailure(code: errno) }
    var written = 0
    var code: Int32 = 0
    while written < bytes.count, code == 0 {
        let count = bytes.withUnsafeBytes { buffer in
            Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
        }
        if count >= 0 { written += count } else if errno != EINTR { code = errno }
    }
    if close(descriptor) != 0, code == 0 { code = errno }
    if code == 0, replacing, rename(target, path) != 0 { code = errno }
    guard code == 0 else {
        unlink(target)
        throw WriteFailure(code: code)
    }
}

private func exitCode(of failure: CreationFailure) -> ExitCode {
    switch failure {
    case .unreadable, .notAFile, .tooDeep, .nameNotUTF8, .cannotBuild: .badInput
    case .changed: .tryAgain
    case .system, .cancelled: .failed
    }
}
