import EventIO
import Glibc
import MetainfoCoding
import PeerPolicy
import PeerProtocol
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TestKit
import Testing
import TrackerProtocol

@testable import TorrentEngine

/// A torrent of chance bytes on disk.
private struct Fixture {
    let temporary = TemporaryDirectory()
    let data: [UInt8]
    let file: String
    let metainfo: Metainfo

    init(pieces: Int = 20, seed: UInt64 = 1) throws {
        var random = SplitMix64(seed: seed)
        let pieceLength = 16 * 1024
        let data = (0..<pieces * pieceLength).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
        self.data = data
        var hashes: [UInt8] = []
        for start in stride(from: 0, to: data.count, by: pieceLength) {
            hashes += try #require(MetainfoHashing.openSSL.sha1(data[start..<start + pieceLength]))
        }
        self.file = "\(self.temporary.path)/payload.torrent"
        let head =
            "d4:infod6:lengthi\(data.count)e4:name7:payload12:piece lengthi\(pieceLength)e6:pieces\(hashes.count):"
        let torrent = Array(head.utf8) + hashes + Array("7:privatei1eee".utf8)
        try Self.write(torrent, to: self.file)
        try Self.write(data, to: "\(self.temporary.path)/payload")
        self.metainfo = try Metainfo(torrentFile: torrent, hashing: .openSSL)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    static func read(_ path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4 << 20)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
}

/// An engine on a loop of its own.
private final class Running: Sendable {
    let loop: EventLoop
    let engine: TorrentEngine

    init(_ encryption: EncryptionPolicy = .allow, idleSeconds: Double = 45) throws {
        var settings = EngineSettings()
        settings.listenAddresses = [PeerAddress(ipv4: 0x7F00_0001, port: 0)]
        settings.encryption = encryption
        settings.idleSeconds = idleSeconds
        self.loop = try EventLoop(name: "engine")
        self.engine = try TorrentEngine(settings, loop: self.loop)
        try self.loop.start()
    }

    deinit {
        let (engine, loop) = (self.engine, self.loop)
        loop.post { engine.assumeIsolated { $0.stop { loop.stop() } } }
        loop.detach()
    }

    func listen() async throws -> PeerAddress {
        try await self.engine.listen()
        return PeerAddress(ipv4: 0x7F00_0001, port: try #require(await self.engine.listeningPort))
    }

    /// Downloads into a folder, and answers when all is there.
    func download(_ metainfo: Metainfo, into folder: String, from address: PeerAddress) async throws {
        var options = AddOptions(directory: folder)
        options.knowledge = .nothing
        options.peers = [address]
        let (events, continuation) = AsyncStream.makeStream(of: EngineEvent.self)
        await self.engine.observe { continuation.yield($0) }
        _ = try await self.engine.add(.metainfo(metainfo), options)
        for await event in events where event == .finished(metainfo.id) { return }
    }

    /// Until the torrent sleeps or is awake.
    func wait(until isThere: @Sendable (isolated TorrentEngine) -> Bool) async throws {
        while !(await isThere(self.engine)) { try await self.loop.sleep(seconds: 0.02) }
    }
}

@Suite("An engine whose torrents sleep", .timeLimit(.minutes(1)))
struct DormantEngineTests {
    @Test(
        "A peer wakes a torrent, plain or encrypted, gets all of it, and the torrent sleeps again with what it has sent",
        arguments: [EncryptionPolicy.allow, .require])
    func wakes(encryption: EncryptionPolicy) async throws {
        let fixture = try Fixture()
        let id = fixture.metainfo.id
        let seeder = try Running(encryption, idleSeconds: 0.1)
        let address = try await seeder.listen()
        var options = AddOptions(directory: fixture.temporary.path)
        options.knowledge = .complete
        let place = try #require(MetainfoPlace(file: fixture.file))
        try await seeder.engine.addDormant(try TorrentOutline(fixture.metainfo), options, from: place)
        #expect(await seeder.engine.dormantCount == 1)
        #expect(await seeder.engine.progress(of: id)?.isDormant == true)

        let leecher = try Running(encryption)
        let target = TemporaryDirectory()
        try await leecher.download(fixture.metainfo, into: target.path, from: address)
        try await leecher.engine.stopAndWait()
        #expect(Fixture.read("\(target.path)/payload") == fixture.data)
        try await seeder.wait { $0.dormantCount == 1 }
        let progress = try #require(await seeder.engine.progress(of: id))
        #expect(progress.uploaded == Int64(fixture.data.count))
        // What the peer's connection might still have read when it closed is no download: a few messages are.
        #expect(await seeder.engine.sessionTotals.downloaded < 16 * 1024)
        let snapshot = try #require(await seeder.engine.snapshot(of: id))
        #expect(snapshot.ledger.handshakes == 1)
        #expect(snapshot.state == .seeding)
        #expect(snapshot.pieces.have == 20)
    }

    @Test("A torrent whose file is gone refuses its peer, and says why; it wakes once the file is back")
    func gone() async throws {
        let fixture = try Fixture()
        let seeder = try Running()
        _ = try await seeder.listen()
        let place = try #require(MetainfoPlace(file: fixture.file))
        let options = AddOptions(directory: fixture.temporary.path)
        try await seeder.engine.addDormant(try TorrentOutline(fixture.metainfo), options, from: place)
        rename(fixture.file, fixture.file + "-elsewhere")
        let id = fixture.metainfo.id
        #expect(await seeder.engine.wake(id))
        try await seeder.wait { engine in
            if case .failed? = engine.snapshot(of: id)?.state { true } else { false }
        }
        rename(fixture.file + "-elsewhere", fixture.file)
        #expect(await seeder.engine.wake(id))
        try await seeder.wait { $0.awakeCount == 1 && $0.snapshot(of: id)?.state == .seeding }
        #expect(await seeder.engine.dormantCount == 0)
    }

    @Test("A torrent is there once, asleep or awake")
    func twice() async throws {
        let fixture = try Fixture()
        let seeder = try Running()
        let place = try #require(MetainfoPlace(file: fixture.file))
        let options = AddOptions(directory: fixture.temporary.path)
        let outline = try TorrentOutline(fixture.metainfo)
        try await seeder.engine.addDormant(outline, options, from: place)
        await #expect(throws: AddFailure.alreadyThere) {
            try await seeder.engine.addDormant(outline, options, from: place)
        }
        await #expect(throws: AddFailure.alreadyThere) {
            _ = try await seeder.engine.add(.metainfo(fixture.metainfo), options)
        }
        #expect(
            await seeder.engine.wake(try #require(TorrentID(bytes: [UInt8](repeating: 9, count: 20))))
                == false)
    }
}

@Suite("An engine that meets itself", .timeLimit(.minutes(1)))
struct OwnConnectionTests {
    private func running(_ fixture: Fixture, _ encryption: EncryptionPolicy) async throws -> (
        Running, PeerAddress
    ) {
        let engine = try Running(encryption)
        let address = try await engine.listen()
        var options = AddOptions(directory: fixture.temporary.path)
        options.knowledge = .trusted
        _ = try await engine.engine.add(.metainfo(fixture.metainfo), options)
        try await engine.wait { $0.progress(of: fixture.metainfo.id)?.state == "seeding" }
        return (engine, address)
    }

    @Test(
        "It is dialled once, and not again whoever names it, for this torrent and for others",
        arguments: [EncryptionPolicy.allow, .require])
    func once(encryption: EncryptionPolicy) async throws {
        let fixture = try Fixture()
        let (running, address) = try await self.running(fixture, encryption)
        await running.engine.addPeers([address], to: fixture.metainfo.id)
        try await running.wait { $0.ownAddresses.contains(address) && $0.openings.isEmpty }
        #expect(await running.engine.acceptedCount == 1)

        let other = try Fixture(pieces: 3, seed: 2)
        var options = AddOptions(directory: other.temporary.path)
        options.knowledge = .trusted
        options.peers = [address]
        _ = try await running.engine.add(.metainfo(other.metainfo), options)
        try await running.wait { $0.progress(of: other.metainfo.id)?.state == "seeding" }
        for id in [fixture.metainfo.id, other.metainfo.id] {
            await running.engine.addPeers([address], to: id)
            #expect(await running.engine.dialling(id) == 0)
            let found = await running.engine.snapshot(of: id)?.ledger[address]
            #expect(found?.outcome == .closed(.ownConnection))
        }
        #expect(await running.engine.acceptedCount == 1)
        #expect(await running.engine.connectionCount == 0)
        // Nobody else has reached us.
        #expect(await running.engine.sessionFacts.hadIncoming == false)
    }

    @Test("Who dials it with its own id is told whom it has reached before the end")
    func bothEnds() async throws {
        let fixture = try Fixture()
        let (running, address) = try await self.running(fixture, .allow)
        let id = await running.engine.ownID(fixture.metainfo.id)
        let handshake = Handshake(
            infoHash: fixture.metainfo.id, peerID: try #require(id), supportsFast: true,
            supportsExtensions: true,
            supportsDHT: false)
        let dialler = try #require(TCPConnection(toPort: address.port))
        dialler.send(handshake.bytes)
        var answer: [UInt8] = []
        while let more = dialler.receive(), !more.isEmpty { answer += more }
        #expect(Handshake(bytes: answer)?.peerID == id)
    }
}

@Suite("What trackers hear of a torrent that slept", .timeLimit(.minutes(1)))
struct SleeperAnnounceTests {
    @Test("It lacks nothing, also before its files are looked at and when it ends without waking")
    func left() async throws {
        let fixture = try Fixture()
        let running = try Running()
        let place = try #require(MetainfoPlace(file: fixture.file))
        let id = fixture.metainfo.id
        try await running.engine.addDormant(
            try TorrentOutline(fixture.metainfo), AddOptions(directory: fixture.temporary.path), from: place)
        let left = await running.engine.leftOfTaken(id)
        #expect(left == 0)
    }
}

extension TorrentEngine {
    fileprivate func dialling(_ id: TorrentID) -> Int? { self.torrents[id]?.dialling }

    fileprivate func ownID(_ id: TorrentID) -> PeerID? { self.torrents[id]?.core.ownID }

    /// What is said to be missing of a torrent that is taken out of its sleep.
    fileprivate func leftOfTaken(_ id: TorrentID) -> UInt64? {
        guard let torrent = self.takeDormant(id) else { return nil }
        return self.facts(of: torrent).left
    }
}

extension TorrentEngine {
    fileprivate func stopAndWait() async throws {
        await withCheckedContinuation { continuation in self.stop { continuation.resume() } }
    }
}

@Suite("Values that rows share")
struct SharedValuesTests {
    @Test("A value has one number as long as anybody uses it", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var values = SharedValues<Int>()
        var users: [(value: Int, number: Int32)] = []
        for _ in 0..<200 {
            if !users.isEmpty, Bool.random(using: &random) {
                let user = users.remove(at: Int.random(in: 0..<users.count, using: &random))
                values.leave(user.number)
            } else {
                let value = Int.random(in: 0..<8, using: &random)
                users.append((value, values.join(value)))
            }
            #expect(values.count == Set(users.map(\.value)).count)
            for user in users { #expect(values[user.number] == user.value) }
        }
        for user in users { values.leave(user.number) }
        #expect(values.count == 0)
        for user in users { #expect(values[user.number] == nil) }
    }
}
