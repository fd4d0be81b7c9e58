import StallDiagnosis
import SwarmTypes
import TestKit
import TorrentCatalog

/// Torrents as a library of years has them: most seed and rest, some move, a few are stuck, and some names are hostile.
func madeUpTorrent(_ number: Int, at now: Int64) -> TorrentSummary {
    var random = SplitMix64(seed: UInt64(number))
    var torrent = TorrentSummary(id: MadeUpLibrary.id(number), name: madeUpName(number), state: .seeding)
    let roll = Int.random(in: 0..<100, using: &random)
    torrent.state =
        roll < 74
        ? .seeding : roll < 86 ? .stopped : roll < 96 ? .downloading : roll < 98 ? .queued : .metadata
    let size = Int64.random(in: 40...24_000, using: &random) << 20
    torrent.hasMetadata = torrent.state != .metadata
    torrent.totalSize = torrent.hasMetadata ? size : 0
    torrent.wantedSize = torrent.totalSize
    let part =
        torrent.state == .downloading || torrent.state == .queued
        ? Double.random(in: 0...0.99, using: &random) : 1
    torrent.wantedDone = Int64(Double(torrent.wantedSize) * part)
    torrent.done = torrent.wantedDone
    torrent.pieceLength = 4 << 20
    torrent.pieceCount = Int(torrent.totalSize >> 22) + 1
    torrent.piecesHad = Int(Double(torrent.pieceCount) * part)
    torrent.downloaded = torrent.done
    torrent.uploaded = Int64(Double(torrent.done) * Double.random(in: 0...4.5, using: &random))
    torrent.connectedSeeds = torrent.state == .downloading ? Int.random(in: 0...12, using: &random) : 0
    torrent.connectedLeechers = torrent.state == .stopped ? 0 : Int.random(in: 0...7, using: &random)
    torrent.swarmSeeds = torrent.state == .stopped ? nil : Int.random(in: 1...300, using: &random)
    torrent.swarmLeechers = torrent.state == .stopped ? nil : Int.random(in: 0...60, using: &random)
    if torrent.state == .seeding, roll < 9 {
        torrent.upRate = ByteRate(bytesPerSecond: Int64.random(in: 2_000...900_000, using: &random))
    }
    if torrent.state == .downloading, roll < 93 {
        torrent.downRate = ByteRate(bytesPerSecond: Int64.random(in: 20_000...9_000_000, using: &random))
    }
    let tracker = ["alpha", "beta", "gamma", "delta", "epsilon"][number % 5]
    torrent.tracker = "https://\(tracker).example/0123456789abcdef0123456789abcdef/announce"
    torrent.trackers = [torrent.tracker]
    torrent.capName = number % 5 < 4 ? tracker : nil
    torrent.category = ["films", "series", "music", "", "linux"][Int.random(in: 0..<5, using: &random)]
    torrent.tags = number % 7 == 0 ? ["cross-seed"] : number % 11 == 0 ? ["keep", "new"] : []
    if number % 1200 < 10 {
        // As other programs may have named them.
        torrent.category = "<svg onload=document.title='pwned'>\u{202E}"
        torrent.tags = ["\"><script>document.title='pwned'</script>", "\u{2066}tag"]
        torrent.comment = "<a href=javascript:document.title='pwned'>click</a>\u{202E}"
    }
    torrent.directory = "/data/\(torrent.category)"
    torrent.addedAt = now - Int64(number) * 1801 - 400
    torrent.completedAt = part >= 1 ? torrent.addedAt + 3000 : nil
    torrent.seedingSeconds = part >= 1 ? now - torrent.addedAt : 0
    torrent.trouble = madeUpTrouble(number, torrent.state, at: now)
    return torrent
}

private func madeUpTrouble(_ number: Int, _ state: TorrentActivity, at now: Int64) -> TorrentTrouble? {
    let found: (VerdictCode, String)?
    switch (state, number % 97) {
    case (.downloading, 0...14): found = (.missingPieces, "12 of 4,100 pieces are on no connected peer.")
    case (.downloading, 15...24): found = (.allChoked, "9 peers are connected, and all of them choke us.")
    case (.seeding, 3): found = (.trackerUnregistered, "alpha.example: \"Unregistered torrent\"")
    case (.seeding, 50): found = (.trackerTimedOut, "beta.example did not answer for 41 min.")
    case (.seeding, 60): found = (.filesMissing, "/data/films/gone.mkv is not there.")
    case (.metadata, _): found = (.metadataSilent, "3 peers have the metadata and do not send it.")
    default: found = nil
    }
    return found.map {
        TorrentTrouble(
            code: $0.0, severity: $0.0.severity, headline: $0.1, since: now - Int64(number % 50 + 1) * 700)
    }
}

private func madeUpName(_ number: Int) -> String {
    let hostile = [
        "<img src=x onerror=\"document.title='pwned'\">", "<script>document.title='pwned'</script>",
        "javascript:document.title='pwned'", "\u{202E}gpj.exe\u{202C} invoice",
        "name\nwith\r\nlines\u{0}and nul",
        "{{7*7}}${7*7}`id`", "\"><svg onload=document.title='pwned'>", String(repeating: "long ", count: 60),
        "Ünïcødé 漢字 🐟 عربى", "&lt;b&gt;entities&amp;",
    ]
    if number % 1200 < hostile.count { return hostile[number % 1200] }
    var random = SplitMix64(seed: UInt64(number) &* 77)
    let words = [
        "River", "Stone", "Northern", "Harbour", "Lantern", "Glass", "Winter", "Orchard", "Signal", "Meadow",
        "Copper",
        "Tide", "Quiet", "Mountain", "Paper", "Garden", "Silver", "Morning", "Island", "Thunder",
    ]
    let title = (0..<Int.random(in: 2...3, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
    }
    let kinds = [
        "1080p BluRay x265", "S0\(number % 9 + 1) 2160p WEB", "FLAC 24-bit", "2023 ISO amd64",
        "EPUB collection",
    ]
    return title.joined(separator: " ") + " " + (kinds.randomElement(using: &random) ?? "")
}
