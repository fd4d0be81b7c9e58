import BencodeCoding
import EventIO
import SQLiteStore
import SwarmTypes
import TestKit
import Testing
import TorrentCatalog
import TorrentEngine
import TorrentStorage

@testable import TorrentLibrary

/// A .torrent file of zeros with this name; nobody announces it.
private func torrentFile(_ name: String, length: Int64 = 40_000) -> [UInt8] {
    var writer = BencodeWriter()
    writer.dictionary { writer in
        writer.key("info")
        writer.dictionary { writer in
            writer.member("length", length)
            writer.member("name", name)
            writer.member("piece length", Int64(16384))
            writer.member("pieces", bytes: [UInt8](repeating: 7, count: Int((length + 16383) / 16384) * 20))
        }
    }
    return writer.bytes
}

/// A library on a loop of its own, over a folder that outlives it.
private final class Fixture {
    let loop: EventLoop
    let library: TorrentLibrary
    let keeper: ResumeKeeper
    let folder: String

    init(_ folder: String) async throws {
        self.folder = folder
        self.loop = try EventLoop(name: "test-engine")
        self.keeper = try ResumeKeeper(path: folder + "/library.db")
        self.library = try TorrentLibrary(
            EngineSettings(), preferences: LibraryPreferences(directory: folder + "/downloads"),
            record: self.keeper,
            environment: LibraryEnvironment(secondsSince1970: { 1000 }, localTime: { (0, 0) }),
            loop: self.loop)
        try self.loop.start()
        let failure = await withCheckedContinuation { (done: CheckedContinuation<ResumeFailure?, Never>) in
            self.loop.post { [library] in library.assumeIsolated { $0.start { done.resume(returning: $0) } } }
        }
        if let failure { throw failure }
    }

    func end() async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            self.loop.post { [library] in library.assumeIsolated { $0.stop { done.resume() } } }
        }
        self.loop.stop()
        self.loop.join()
    }

    /// Runs SQL in the record, and answers the first number.
    @discardableResult
    func sql(_ text: String) async throws -> Int64? {
        try await withCheckedContinuation { done in
            self.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
                try store.readTables { database throws(StoreFailure) in try database.firstInt64(text) }
            } then: {
                done.resume(returning: $0)
            }
        }.get()
    }

    func line(_ id: TorrentID) throws -> TorrentSummary {
        try #require(self.library.mirror.row(of: id)).summary
    }
}

@Suite("The library", .timeLimit(.minutes(3)))
struct LibraryTests {
    let temporary = TemporaryDirectory()

    /// From a start to an end: the record is free again when this returns.
    private func run<Output>(_ body: (Fixture) async throws -> Output) async throws -> Output {
        let fixture = try await Fixture(self.temporary.path)
        let output = try await body(fixture)
        await fixture.end()
        return output
    }

    @Test("What was asked of a torrent is in the mirror at once, and there again after a restart")
    func lives() async throws {
        let before = try await self.run { fixture in
            try await fixture.library.create(TorrentCategory(name: "films", directory: "/f"))
            var addition = TorrentAddition(.file(torrentFile("one")))
            addition.isStopped = true
            addition.category = "films"
            addition.tags = ["b", "a", "b"]
            addition.uploadLimit = .bytesPerSecond(1000)
            let id = try await fixture.library.add(addition)
            let again = addition
            await #expect(throws: CatalogFailure.alreadyThere(id)) { try await fixture.library.add(again) }
            _ = try await fixture.library.perform(.rename("other"), on: .some([id]))
            _ = try await fixture.library.perform(.setSequential(true), on: .all)
            return try fixture.line(id)
        }
        #expect(before.state == .stopped && before.category == "films" && before.tags == ["a", "b"])
        #expect(before.name == "other" && before.isSequential && before.directory == "/f")
        #expect(before.contentPath == "/f/one" && before.uploadLimit == .bytesPerSecond(1000))
        #expect(before.wantedSize == 40_000 && before.pieceCount == 3 && before.addedAt == 1000)

        try await self.run { fixture in
            let id = before.id
            #expect(try fixture.line(id) == before)
            #expect(
                fixture.library.mirror.state.categories == [TorrentCategory(name: "films", directory: "/f")])
            #expect(fixture.library.mirror.state.tags == ["a", "b"])
            #expect(try await fixture.library.metainfo(of: id) == torrentFile("one"))
            #expect(try await fixture.library.timeline(of: id).map(\.code) == ["added"])
            _ = try await fixture.library.perform(.remove(withFiles: true), on: .all)
            #expect(fixture.library.mirror.state.rows.isEmpty)
        }
        try await self.run { fixture in #expect(fixture.library.mirror.state.rows.isEmpty) }
    }

    @Test("What makes no sense is refused, and changes nothing")
    func refusals() async throws {
        let fixture = try await Fixture(self.temporary.path)
        for source in [
            TorrentAddition.Source.file([1, 2, 3]), .file([]), .link("magnet:?dn=x"), .link("nonsense"),
        ] {
            await #expect(throws: CatalogFailure.self) {
                try await fixture.library.add(TorrentAddition(source))
            }
        }
        var addition = TorrentAddition(.file(torrentFile("x")))
        addition.isStopped = true
        addition.directory = "/a/../../etc"
        await #expect(throws: CatalogFailure.self) { try await fixture.library.add(addition) }
        #expect(fixture.library.mirror.state.rows.isEmpty)
        addition.directory = nil
        let id = try await fixture.library.add(addition)
        let refused: [TorrentCommand] = [
            .setCategory("none"), .addTags(["a,b"]), .addTags([""]), .rename(""), .move(to: "/a/../b"),
            .setFilePriority(files: [1], .skip), .setFilePriority(files: [-1], .skip),
            .renamePath(from: "x", to: "../y"), .renamePath(from: "y", to: "z"), .addTrackers(["gopher://x"]),
            .replaceTracker("http://a/announce", by: "http://b/announce"), .setSuperSeeding(true),
        ]
        let before = try fixture.line(id)
        for command in refused {
            await #expect(throws: CatalogFailure.self, "\(command)") {
                try await fixture.library.perform(command, on: .some([id]))
            }
        }
        #expect(try fixture.line(id) == before)
        for name in ["", "a//b", "/a", "a\\b", "a\u{7}"] {
            await #expect(throws: CatalogFailure.self) {
                try await fixture.library.create(TorrentCategory(name: name))
            }
        }
        let stranger = try #require(TorrentID(bytes: [UInt8](repeating: 9, count: 20)))
        #expect(try await fixture.library.perform(.start, on: .some([stranger])).isEmpty)
        await #expect(throws: CatalogFailure.noSuchTorrent) { try await fixture.library.files(of: stranger) }
        await fixture.end()
    }

    @Test(
        "Of a queue of one, the first runs; who is moved to the top runs instead; a forced one runs beside it"
    )
    func queueing() async throws {
        let fixture = try await Fixture(self.temporary.path)
        var preferences = fixture.library.mirror.state.preferences
        preferences.queue = QueueSettings(downloads: 1, uploads: 1, torrents: 1)
        try await fixture.library.setPreferences(preferences)
        var ids: [TorrentID] = []
        for name in ["a", "b", "c"] {
            ids.append(try await fixture.library.add(TorrentAddition(.file(torrentFile(name)))))
        }
        func queued() throws -> [Bool] { try ids.map { try fixture.line($0).state == .queued } }
        #expect(try queued() == [false, true, true])
        #expect(try ids.map { try fixture.line($0).queuePosition } == [1, 2, 3])
        _ = try await fixture.library.perform(.queue(.top), on: .some([ids[2]]))
        await fixture.library.arrangeQueue()
        await fixture.library.publish()
        #expect(try queued() == [true, true, false])
        _ = try await fixture.library.perform(.force(true), on: .some([ids[1]]))
        #expect(try queued() == [true, false, false])
        _ = try await fixture.library.perform(.stop, on: .some([ids[2]]))
        #expect(try queued() == [false, false, false])
        await fixture.end()
    }

    @Test("Tags and categories that go are taken from their torrents")
    func sorting() async throws {
        let fixture = try await Fixture(self.temporary.path)
        try await fixture.library.create(TorrentCategory(name: "c", directory: "sub"))
        var addition = TorrentAddition(.file(torrentFile("x")))
        addition.isStopped = true
        addition.tags = ["t", "u"]
        addition.category = "c"
        addition.isManaged = true
        let id = try await fixture.library.add(addition)
        #expect(try fixture.line(id).directory == fixture.folder + "/downloads/sub")
        try await fixture.library.deleteTags(["t"])
        try await fixture.library.removeCategories(["c"])
        #expect(try fixture.line(id).tags == ["u"] && fixture.line(id).category.isEmpty)
        #expect(fixture.library.mirror.state.categories.isEmpty)
        await fixture.end()
    }

    @Test("Trackers are edited, also of one that does not run")
    func trackers() async throws {
        let fixture = try await Fixture(self.temporary.path)
        var addition = TorrentAddition(.file(torrentFile("x")))
        addition.isStopped = true
        let id = try await fixture.library.add(addition)
        _ = try await fixture.library.perform(
            .addTrackers(["http://a.example/announce", "udp://b.example:1"]), on: .some([id]))
        _ = try await fixture.library.perform(
            .replaceTracker("http://a.example/announce", by: "https://c.example/announce"), on: .some([id]))
        _ = try await fixture.library.perform(.removeTrackers(["udp://b.example:1"]), on: .some([id]))
        #expect(try await fixture.library.trackers(of: id).map(\.url) == ["https://c.example/announce"])
        #expect(try fixture.line(id).trackers == ["https://c.example/announce"])
        await fixture.end()
    }

    @Test("What could not be recorded is recorded later, also when an addition fails meanwhile")
    func failedAddition() async throws {
        let (kept, gone) = try await self.run { fixture in
            func stopped(_ name: String) -> TorrentAddition {
                var addition = TorrentAddition(.file(torrentFile(name)))
                addition.isStopped = true
                return addition
            }
            let kept = try await fixture.library.add(stopped("kept"))
            let gone = try await fixture.library.add(stopped("gone"))
            // As a disk that is full.
            for table in ["library", "torrents"] {
                try await fixture.sql(
                    "CREATE TRIGGER no_\(table) BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'full'); END"
                )
            }
            await #expect(throws: CatalogFailure.self) {
                try await fixture.library.perform(.rename("renamed"), on: .some([kept]))
            }
            try await fixture.sql(
                "CREATE TRIGGER no_removal BEFORE DELETE ON library BEGIN SELECT RAISE(ABORT, 'full'); END")
            await #expect(throws: CatalogFailure.self) {
                try await fixture.library.perform(.remove(withFiles: false), on: .some([gone]))
            }
            await #expect(throws: CatalogFailure.self) {
                try await fixture.library.add(stopped("new"))
            }
            for name in ["library", "torrents", "removal"] {
                try await fixture.sql("DROP TRIGGER no_\(name)")
            }
            // Everything goes with the next change, and this one is an addition.
            _ = try await fixture.library.add(stopped("next"))
            for table in ["metainfo", "torrents"] {
                let count = try await fixture.sql("SELECT count(*) FROM \(table)")
                #expect(count == 2, "\(table)")
            }
            return (kept, gone)
        }
        try await self.run { fixture in
            let line = try fixture.line(kept)
            #expect(line.name == "renamed")
            #expect(fixture.library.mirror.row(of: gone) == nil)
            #expect(fixture.library.mirror.state.rows.count == 2)
        }
    }

    @Test("A torrent that comes again with other trackers is exported with them")
    func comesAgain() async throws {
        let fixture = try await Fixture(self.temporary.path)
        for announce in ["http://t.example/old-key/announce", "http://t.example/new-key/announce"] {
            var writer = BencodeWriter()
            writer.dictionary { writer in
                writer.member("announce", announce)
                writer.key("info")
                writer.dictionary { writer in
                    writer.member("length", Int64(5))
                    writer.member("name", "same")
                    writer.member("piece length", Int64(16384))
                    writer.member("pieces", bytes: [UInt8](repeating: 7, count: 20))
                }
            }
            var addition = TorrentAddition(.file(writer.bytes))
            addition.isStopped = true
            let id = try await fixture.library.add(addition)
            let exported = try await fixture.library.metainfo(of: id)
            #expect(exported == writer.bytes)
            _ = try await fixture.library.perform(.remove(withFiles: false), on: .some([id]))
        }
        await fixture.end()
    }
}
