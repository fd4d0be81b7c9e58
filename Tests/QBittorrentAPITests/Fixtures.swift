import HTTPFetching
import SwarmTypes
import TestKit

@testable import QBittorrentAPI

/// One version that polls by lists of active torrents, and one that polls by differences.
let versions = ["2.8.19", "2.11.4"]

func makeClient(
    _ fake: FakeQBittorrent, credentials: Credentials = .password(user: "admin", password: "secret")
) -> (client: QBittorrentClient, server: ScriptedServer) {
    let server = ScriptedServer { fake.answer($0) }
    let client = QBittorrentClient(
        fetcher: server, address: ServerAddress(host: "127.0.0.1", port: 8080), credentials: credentials)
    return (client, server)
}

/// A row as text, to compare what was read with what there is.
func summary(of row: TorrentRow, in table: TorrentTable) -> String {
    "\(row.id) \(row.activity) \(row.uploadRate.bytesPerSecond) \(row.uploaded) "
        + "\(row.uploadLimit) \(row.leeches) \(row.seeds) \(row.lastActivity ?? 0) \(row.isComplete) \(row.addedOn) "
        + "\(table.trackers(of: row))"
}

func summary(of torrent: FakeTorrent) -> String {
    let activity: TorrentActivity =
        switch torrent.state {
        case "pausedUP", "stoppedDL": .stopped
        case "error": .broken
        default: .canUpload
        }
    let limit: UploadLimit = torrent.limit > 0 ? .bytesPerSecond(Int64(torrent.limit)) : .unlimited
    return "\(torrent.id) \(activity) \(torrent.upspeed) \(torrent.uploaded) "
        + "\(limit) \(torrent.leeches) \(torrent.seeds) \(torrent.lastActivity) \(torrent.progress == "1") "
        + "\(torrent.addedOn) \(torrent.trackers)"
}

func summaries(_ table: TorrentTable) -> [String] { table.rows.map { summary(of: $0, in: table) } }

func summaries(_ fake: FakeQBittorrent) -> [String] {
    fake.all.values.sorted { $0.id < $1.id }.map { summary(of: $0) }
}

extension FakeTorrent {
    mutating func mutate(using random: inout SplitMix64) {
        switch Int.random(in: 0...7, using: &random) {
        case 0: self.limit = [-1, 0, 1, 5000, 70_000].randomElement(using: &random) ?? 0
        case 1:
            self.state =
                ["pausedUP", "stalledUP", "error", "stoppedDL", "forcedUP"].randomElement(using: &random)
                ?? ""
        case 2:
            self.trackers = (0..<Int.random(in: 0...3, using: &random)).map {
                "http://t\($0).example/a?k=\(self.addedOn % 3)"
            }
        case 3: self.progress = ["0", "0.999", "1"].randomElement(using: &random) ?? "1"
        case 4: self.leeches = Int.random(in: 0...9, using: &random)
        case 5: self.upspeed = 0
        default:
            self.upspeed = Int.random(in: 1...1_000_000, using: &random)
            self.uploaded += self.upspeed
            self.lastActivity += 3
        }
    }
}
