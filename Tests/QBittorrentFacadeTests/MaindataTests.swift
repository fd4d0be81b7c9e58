import JSONValues
import SwarmTypes
import TestKit
import Testing
import TorrentCatalog

/// What a client knows after the answers that reached it.
private struct ClientCopy: Equatable {
    var torrents: [String: [String: JSONValue]] = [:]
    var trackers: [String: Set<String>] = [:]
    var tags: Set<String> = []
    var server: [String: JSONValue] = [:]
    var rid: Int64 = 0

    mutating func take(_ answer: JSONValue) {
        if answer["full_update"]?.boolean == true { self = ClientCopy() }
        self.rid = answer["rid"]?.integer ?? -1
        for member in answer["torrents"]?.members ?? [] {
            for field in member.value.members ?? [] {
                self.torrents[member.name, default: [:]][field.name] = field.value
            }
        }
        for hash in answer["torrents_removed"]?.elements ?? [] { self.torrents[hash.text ?? ""] = nil }
        for member in answer["trackers"]?.members ?? [] {
            self.trackers[member.name] = Set((member.value.elements ?? []).compactMap(\.text))
        }
        for url in answer["trackers_removed"]?.elements ?? [] { self.trackers[url.text ?? ""] = nil }
        for tag in answer["tags"]?.elements ?? [] { self.tags.insert(tag.text ?? "") }
        for tag in answer["tags_removed"]?.elements ?? [] { self.tags.remove(tag.text ?? "") }
        for member in answer["server_state"]?.members ?? [] { self.server[member.name] = member.value }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.torrents == right.torrents && left.trackers == right.trackers && left.tags == right.tags
            && left.server == right.server
    }
}

@Suite struct MaindataTests {
    @Test("Two clients that lose answers come to what a client that begins anew is told", arguments: 0..<200)
    func lostAnswers(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let bench = Bench()
        var clients = [ClientCopy(), ClientCopy()]
        for _ in 0..<30 {
            var change = CatalogChange()
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let byte = UInt8.random(in: 0..<6, using: &random)
                if Bool.random(using: &random) {
                    change.removed.append(torrentID(byte))
                } else {
                    change.changed.removeAll { $0.id == torrentID(byte) }
                    change.changed.append(
                        torrent(byte, "n\(Int.random(in: 0..<3, using: &random))") {
                            $0.uploaded = Int64.random(in: 0..<4, using: &random)
                            $0.trackers = ["http://x", "http://y"].filter { _ in Bool.random(using: &random) }
                        })
                }
            }
            change.removed.removeAll { id in change.changed.contains { $0.id == id } }
            if Bool.random(using: &random) {
                change.tags = ["a", "b"].filter { _ in Bool.random(using: &random) }
            }
            bench.library.mirror.publish(change)
            for place in clients.indices where Int.random(in: 0..<3, using: &random) > 0 {
                let answer = try await bench.json("sync/maindata", [("rid", "\(clients[place].rid)")])
                // Lost on the way.
                if Int.random(in: 0..<4, using: &random) == 0 { continue }
                clients[place].take(answer)
            }
        }
        var fresh = ClientCopy()
        fresh.take(try await bench.json("sync/maindata"))
        for var client in clients {
            client.take(try await bench.json("sync/maindata", [("rid", "\(client.rid)")]))
            #expect(client == fresh)
        }
        #expect(fresh.torrents.count == bench.library.mirror.state.rows.count)
    }

    @Test("Nothing that has not changed is sent again")
    func quiet() async throws {
        let bench = Bench()
        bench.library.publish([torrent(1), torrent(2)])
        let first = try await bench.json("sync/maindata")
        #expect(first["full_update"]?.boolean == true)
        let rid = first["rid"]?.integer ?? 0
        let second = try await bench.json("sync/maindata", [("rid", "\(rid)")])
        #expect(second.members?.map(\.name) == ["rid"])
        bench.library.publish([torrent(2) { $0.uploaded = 5 }])
        let third = try await bench.json("sync/maindata", [("rid", "\(rid)")])
        #expect(third["torrents"]?[torrentID(2).hex]?["uploaded"]?.integer == 5)
        #expect(third["torrents"]?[torrentID(1).hex] == nil)
        #expect(third["torrents"]?[torrentID(2).hex]?["name"] == nil)
        #expect(third["full_update"] == nil)
    }

    @Test(
        "A number of another run is answered with everything",
        arguments: ["0", "-5", "7", "9999999999999", "x"])
    func foreignNumber(rid: String) async throws {
        let bench = Bench()
        bench.library.publish([torrent(1)])
        let answer = try await bench.json("sync/maindata", [("rid", rid)])
        #expect(answer["full_update"]?.boolean == true)
        #expect(answer["torrents"]?.members?.count == 1)
    }
}
