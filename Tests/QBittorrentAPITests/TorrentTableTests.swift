import SwarmTypes
import TestKit
import Testing

@testable import QBittorrentAPI

@Suite struct TorrentTableTests {
    @Test("A row takes 96 bytes or less, and 30,000 take less than 5 MB with all their tables")
    func size() async throws {
        #expect(MemoryLayout<TorrentRow>.stride <= 96)
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 30_000)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        #expect(client.table.rows.capacity * MemoryLayout<TorrentRow>.stride < 3_500_000)
        #expect(client.table.trackerSets.count == 2)
    }

    @Test("Rows are in the order of their identifiers and are found by them")
    func order() async throws {
        let fake = FakeQBittorrent(torrents: 500)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let ids = client.table.rows.map(\.id)
        #expect(ids == ids.sorted())
        for (index, id) in ids.enumerated() { #expect(client.table.index(of: id) == index) }
        for number in 500..<600 { #expect(client.table.row(of: FakeTorrent(number).id) == nil) }
        #expect(TorrentTable().index(of: FakeTorrent(1).id) == nil)
    }

    @Test("A torrent listed twice in one answer is one row")
    func repeated() async throws {
        let fake = FakeQBittorrent(api: "2.8.19")
        let (client, _) = makeClient(fake)
        let row = "{\"hash\":\"\(FakeTorrent(1).id)\",\"state\":\"uploading\",\"uploaded\":5,\"up_limit\":0}"
        fake.change { $0.faults["torrents/info"] = [.status(200, "[\(row),\(row)]")] }
        #expect(try await client.poll().added.count == 1)
        #expect(client.table.count == 1)
    }

    @Test(
        "Trackers come from magnet links, decoded, without pseudo trackers and overlong URLs",
        arguments: [
            (
                "magnet:?xt=urn:btih:aa&dn=x&tr=http%3a%2f%2fa%3A1%2fannounce&tr=udp%3A%2F%2Fb",
                ["http://a:1/announce", "udp://b"]
            ),
            ("magnet:?xt=urn:btih:aa&tr=https://c/announce?passkey=abc", ["https://c/announce?passkey=abc"]),
            (
                "magnet:?tr=http%3A%2F%2Fa&xt=urn:btih:aa&ws=http://w&tr=http%3A%2F%2Fb",
                ["http://a", "http://b"]
            ),
            ("magnet:?xt=urn:btih:aa", []), ("magnet:?", []), ("", []), ("magnet:", []), ("&tr=", []),
            ("magnet:?tr=&tr=%&tr=%4&tr=%zz&tr=%41", ["%", "%4", "%zz", "A"]),
            ("magnet:?tr=**%20%5BDHT%5D%20**&tr=http%3A%2F%2Fa", ["http://a"]),
            ("magnet:?tr=http://\(String(repeating: "x", count: 2100))&tr=http://a", ["http://a"]),
            ("magnet:?tr=" + String(repeating: "%41", count: 2048), [String(repeating: "A", count: 2048)]),
            ("magnet:?x=tr=no&ntr=no&tr=yes", ["yes"]),
        ])
    func magnets(link: String, expected: [String]) {
        var sets = TrackerSets()
        let index = sets.index(ofMagnet: Array(link.utf8)[...], guess: 0)
        #expect(sets.urls(at: index) == expected)
        #expect(sets.index(ofMagnet: Array(link.utf8)[...], guess: index) == index)
        #expect(sets.index(ofMagnet: Array(link.utf8)[...], guess: -5) == index)
        #expect(sets.urls(at: 0) == [] && sets.urls(at: -1) == [] && sets.urls(at: 99) == [])
    }

    @Test("Not more than 64 trackers of a torrent are kept")
    func manyTrackers() {
        var sets = TrackerSets()
        let link = "magnet:?" + (0..<1000).map { "tr=http://t\($0)" }.joined(separator: "&")
        let index = sets.index(ofMagnet: Array(link.utf8)[...], guess: 0)
        #expect(sets.urls(at: index).count == 64)
    }

    @Test("Unused lists of trackers are removed by a complete poll, and the revision says so")
    func unusedLists() async throws {
        let fake = FakeQBittorrent(torrents: 100)
        for (number, id) in fake.all.keys.sorted().enumerated() {
            fake.all[id]?.trackers = ["http://t\(number)"]
        }
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        #expect(client.table.trackerSets.count == 101)
        let revision = client.table.trackerSets.revision
        for id in fake.all.keys { fake.all[id]?.trackers = ["http://same", "http://second"] }
        _ = try await client.poll(.full)
        #expect(client.table.trackerSets.count == 2)
        #expect(client.table.trackerSets.revision != revision)
        #expect(summaries(client.table) == summaries(fake))
    }

    @Test(
        "Only stopped and broken torrents cannot upload",
        arguments: [
            ("pausedUP", TorrentActivity.stopped), ("pausedDL", .stopped), ("stoppedUP", .stopped),
            ("stoppedDL", .stopped), ("error", .broken), ("missingFiles", .broken), ("uploading", .canUpload),
            ("stalledUP", .canUpload), ("queuedUP", .canUpload), ("checkingUP", .canUpload),
            ("forcedUP", .canUpload),
            ("downloading", .canUpload), ("metaDL", .canUpload), ("moving", .canUpload),
            ("unknown", .canUpload),
            ("", .canUpload), ("pausedUPx", .canUpload),
        ])
    func states(state: String, expected: TorrentActivity) {
        #expect(TorrentActivity(state: Array(state.utf8)[...]) == expected)
    }
}
