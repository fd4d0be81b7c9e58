import EventIO
import Foundation
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

private let program = "/usr/bin/opentracker"

/// Debian's opentracker on loopback, over HTTP and UDP, for one torrent.
private final class Opentracker {
    let port: UInt16
    private let folder = TemporaryDirectory()
    private let process: Process

    init(torrent: TorrentID) throws {
        let list = self.folder.file("allowed")
        try (torrent.hex + "\n").write(toFile: list, atomically: true, encoding: .utf8)
        // It leaves root, and reads its list as another user.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: self.folder.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: list)
        // It must be told a port: one outside the range from which the system gives ports to others, and another one
        // when that is taken, upon which it ends.
        for _ in 0..<20 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard TCPConnection(toPort: port) == nil else { continue }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.currentDirectoryURL = URL(fileURLWithPath: self.folder.path)
            process.arguments = [
                "-i", "127.0.0.1", "-d", self.folder.path, "-w", "allowed", "-p", "\(port)", "-P", "\(port)",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            while process.isRunning {
                guard TCPConnection(toPort: port) != nil, process.isRunning else { continue }
                self.port = port
                self.process = process
                return
            }
        }
        throw CancellationError()
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

        // It takes connections before it has read its list and hears datagrams.
        let page = "http://127.0.0.1:\(tracker.port)/announce"
        while case .failure(.refused) = try await fixture.announce(page, .started) {}
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
