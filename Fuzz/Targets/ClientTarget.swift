import HTTPFetching
import QBittorrentAPI
import SwarmTypes

/// Whatever a server answers, the client never traps; a call that throws leaves the table as it was; and the
/// table is always in order.
///
/// The first line is the script: a byte for the kind of credentials, one for the size of the pieces in which
/// bodies arrive, then one for each call. The lines after it are the server's answers in the order of the
/// requests, as `AnswerScript` reads them. The script ends early when the answers do.
let clientTarget = FuzzTarget(name: "client") { input throws(BrokenInvariant) in
    try runInline { () -> BrokenInvariant? in
        do throws(BrokenInvariant) {
            try await play(input)
            return nil
        } catch {
            return error
        }
    }.map { broken throws(BrokenInvariant) in throw broken }
}

private func play(_ input: [UInt8]) async throws(BrokenInvariant) {
    var reader = InputReader(input)
    var script = InputReader(Array(reader.line() ?? []))
    let credentials: Credentials =
        switch script.byte() {
        case UInt8(ascii: "n"): .none
        case UInt8(ascii: "k"): .apiKey("key")
        default: .password(user: "u", password: "p")
        }
    let answers = AnswerScript(reader, pieceBytes: Int(script.byte()))
    let client = QBittorrentClient(
        fetcher: answers, address: ServerAddress(host: "localhost"), credentials: credentials)
    for _ in 0..<12 where !answers.isAtEnd {
        let before = client.table
        var report: PollReport?
        do throws(ClientFailure) {
            report = try await client.perform(script.byte())
        } catch {
            try require(!error.description.isEmpty, "a failure that says nothing")
            try require(
                client.table.rows == before.rows && client.table.trackerSets.count == before.trackerSets.count
                    && client.table.trackerSets.revision == before.trackerSets.revision,
                "the table is another one after \(error)")
        }
        if let report { try check(report, before, client.table) }
        try check(client.table)
    }
}

extension QBittorrentClient {
    fileprivate func perform(_ call: UInt8) async throws(ClientFailure) -> PollReport? {
        let known = self.table.rows.prefix(20).map(\.id)
        switch call {
        case UInt8(ascii: "f"): return try await self.poll(.full)
        case UInt8(ascii: "h"): return try await self.poll(hints: [someTorrent] + known)
        case UInt8(ascii: "r"): _ = try await self.readLimits(of: [someTorrent] + known)
        case UInt8(ascii: "s"): try await self.setUploadLimit(.bytesPerSecond(1000), of: known)
        case UInt8(ascii: "d"): _ = try await self.details(of: [someTorrent])
        case UInt8(ascii: "t"): _ = try await self.trackers(of: someTorrent)
        case UInt8(ascii: "i"): _ = try await self.transferInfo()
        case UInt8(ascii: "g"): _ = try await self.preferences()
        case UInt8(ascii: "a"):
            try await self.setAutorun(onAddition: Autorun(isEnabled: true, commandLine: "a \"b\"\n"))
        case UInt8(ascii: "l"): self.permitLogin()
        default: return try await self.poll()
        }
        return nil
    }
}

/// One that the first inputs name too: 40 times the digit 1.
private let someTorrent =
    TorrentID(bytes: repeatElement(0x11, count: TorrentID.byteCount).map { $0 })
    ?? { preconditionFailure("20 bytes make an identifier") }()

private func check(_ table: TorrentTable) throws(BrokenInvariant) {
    var last: TorrentID?
    for (index, row) in table.rows.enumerated() {
        try require(last.map { $0 < row.id } ?? true, "the rows are not in order")
        last = row.id
        try require(table.index(of: row.id) == index, "a row is not found")
        try require(row.uploadRate >= .zero && row.uploadedSincePoll >= 0, "an upload is negative")
        try require(
            row.trackerSet >= 0 && row.trackerSet < table.trackerSets.count, "a row has no list of trackers")
        let urls = table.trackers(of: row)
        try require(
            urls.count <= TrackerSets.maximumURLs
                && urls.allSatisfy { $0.utf8.count <= 3 * TrackerSets.maximumURLBytes },
            "more or longer trackers than may be")
    }
}

private func check(
    _ report: PollReport, _ before: TorrentTable, _ after: TorrentTable
) throws(BrokenInvariant) {
    try require(
        report.added.allSatisfy { before.index(of: $0) == nil && after.index(of: $0) != nil },
        "what was added was there before, or is not there")
    try require(
        report.removed.allSatisfy { before.index(of: $0) != nil && after.index(of: $0) == nil },
        "what was removed was not there before, or is still there")
    try require(
        after.count == before.count + report.added.count - report.removed.count,
        "\(before.count) + \(report.added.count) - \(report.removed.count) torrents are not \(after.count)")
    try require(report.calls >= 1 && report.malformedRows >= 0, "a poll without a call")
}
