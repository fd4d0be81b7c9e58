import EventIO
import Foundation
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

private let program = "/usr/bin/opentracker"

/// Debian's opentracker on a free port of loopback, over HTTP and UDP, for one torrent.
private final class Opentracker {
    let port: UInt16
    private let folder = TemporaryDirectory()
    private let process = Process()

    init(torrent: TorrentID) throws {
        // Free a moment ago, and asked for at once.
        self.port = try UDPTracker { _, _ in [] }.port
        let list = self.folder.file("allowed")
        try (torrent.hex + "\n").write(toFile: list, atomically: true, encoding: .utf8)
        // It leaves root, and reads its list as another user.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: self.folder.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: list)
        self.process.executableURL = URL(fileURLWithPath: program)
        self.process.currentDirectoryURL = URL(fileURLWithPath: self.folder.path)
        self.process.arguments = [
            "-i", "127.0.0.1", "-d", self.folder.path, "-w", "allowed", "-p", "\(self.port)", "-P",
            "\(self.port)",
        ]
        self.process.standardOutput = FileHandle.nullDevice
        self.process.standardError = FileHandle.nullDevice
        try self.process.run()
        var isListening = false
        for _ in 0..<100_000 where !isListening && self.process.isRunning {
            isListening = TCPConnection(toPort: self.port) != nil
        }
        try #require(isListening)
    }

    /// It inherits from the test's thread that other signals are blocked.
    deinit { kill(self.process.processIdentifier, SIGKILL) }
}

@Suite(
    "A real opentracker", .timeLimit(.minutes(1)),
    .enabled(if: FileManager.default.isExecutableFile(atPath: program), "needs opentracker"))
struct OpentrackerTests {
    @Test("Takes a session's announces and tells its peers and counts", arguments: ["http", "udp"])
    func session(scheme: String) async throws {
        let id = try torrent(0x61)
        let tracker = try Opentracker(torrent: id)
        defer { withExtendedLifetime(tracker) {} }
        let fixture = try ClientFixture()
        let url = "\(scheme)://127.0.0.1:\(tracker.port)/announce"

        let started = try await fixture.announce(url, .started).get()
        #expect((started.interval ?? 0) >= 60)
        #expect(try await fixture.announce(url, .none).get().counts.leeches == 1)
        let counts = try #require(try await fixture.scrape(url, [id]).get().counts[id])
        #expect(counts.leeches == 1 && counts.seeds == 0 && counts.completions == 0)

        _ = try await fixture.announce(url, .completed).get()
        let after = try #require(try await fixture.scrape(url, [id]).get().counts[id])
        #expect(after.seeds == 1 && after.leeches == 0 && after.completions == 1, "\(after)")
        _ = try await fixture.announce(url, .stopped).get()
        #expect(try await fixture.scrape(url, [id]).get().counts[id]?.seeds ?? 0 == 0)
    }
}
