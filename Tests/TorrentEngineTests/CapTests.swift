import EventIO
import MetainfoCoding
import StallDiagnosis
import SwarmTypes
import TestKit
import Testing
import TorrentEngine

/// An engine without sockets, whose torrents are magnet links of nobody.
private final class Fixture: Sendable {
    let temporary = TemporaryDirectory()
    let loop: EventLoop
    let engine: TorrentEngine

    init() throws {
        let loop = try EventLoop(name: "engine")
        self.loop = loop
        self.engine = try TorrentEngine(EngineSettings(), loop: loop)
        try loop.start()
    }

    deinit { self.loop.stop() }

    func add(_ number: Int, cap: String?) async throws -> TorrentID {
        let digits = String(number, radix: 16)
        let hex = String(repeating: "0", count: 40 - digits.count) + digits
        var options = AddOptions(directory: self.temporary.path)
        options.cap = cap
        return try await self.engine.add(.magnet(try MagnetLink("magnet:?xt=urn:btih:\(hex)")), options)
    }

    func names() async -> [String: Int] {
        Dictionary(uniqueKeysWithValues: await self.engine.capUsages.map { ($0.cap.name, $0.torrents) })
    }
}

@Suite("The caps of an engine", .timeLimit(.minutes(1)))
struct CapTests {
    @Test("are known from when they are set or named, and until they are removed and nobody names them")
    func life() async throws {
        let fixture = try Fixture()
        let engine = fixture.engine
        await engine.setCaps([TrackerCap(name: "set", upload: .bytesPerSecond(1000))])
        let first = try await fixture.add(1, cap: "named")
        let second = try await fixture.add(2, cap: "set")
        #expect(await fixture.names() == ["set": 1, "named": 1])
        #expect(await engine.capUsage("named")?.cap == TrackerCap(name: "named"))

        #expect(await engine.setCap("set", of: first))
        #expect(await fixture.names() == ["set": 2])
        await engine.removeCaps(["set", "unknown"])
        #expect(await engine.capUsage("set")?.cap == TrackerCap(name: "set"))
        #expect(await engine.setCap(nil, of: first))
        #expect(await engine.setCap("other", of: second))
        #expect(await fixture.names() == ["other": 1])
        #expect(await engine.progress(of: first)?.cap == nil)
        #expect(await engine.progress(of: second)?.cap == "other")
        let unknown = try #require(TorrentID(hex: String(repeating: "f", count: 40)))
        #expect(await !engine.setCap("other", of: unknown))
    }

    @Test("keep their limits, and what is not named stays when others change")
    func changes() async throws {
        let fixture = try Fixture()
        let engine = fixture.engine
        var caps = (0..<100).map { TrackerCap(name: "\($0)", upload: .bytesPerSecond(1000)) }
        caps[3].download = .bytesPerSecond(5)
        caps[3].weight = 1_000_000
        await engine.setCaps(caps)
        await engine.setCaps([TrackerCap(name: "7", upload: .bytesPerSecond(2000))])
        #expect(await engine.capUsages.count == 100)
        #expect(await engine.capUsage("7")?.cap.upload == .bytesPerSecond(2000))
        #expect(await engine.capUsage("8")?.cap.upload == .bytesPerSecond(1000))
        let third = await engine.capUsage("3")?.cap
        #expect(third?.download == .bytesPerSecond(5) && third?.weight == 1000)
    }

    @Test("and of a torrent stand in what diagnosis looks at")
    func snapshot() async throws {
        let fixture = try Fixture()
        let engine = fixture.engine
        let id = try await fixture.add(1, cap: "alpha")
        await engine.setCaps([TrackerCap(name: "alpha", upload: .bytesPerSecond(7000))])
        #expect(await engine.setUploadLimit(.bytesPerSecond(500), of: id))
        #expect(await engine.setDownloadLimit(.bytesPerSecond(600), of: id))
        let traffic = await engine.snapshot(of: id)?.traffic
        #expect(traffic?.upCaps.map(\.owner) == [.torrent, .tracker("alpha")])
        #expect(traffic?.upCaps.map(\.limit.bytesPerSecond) == [500, 7000])
        #expect(traffic?.downCaps.map(\.limit.bytesPerSecond) == [600])
        #expect(await engine.setUploadLimit(.unlimited, of: id))
        #expect(await engine.snapshot(of: id)?.traffic.upCaps.map(\.owner) == [.tracker("alpha")])
    }
}
