import Foundation
import HTTPFetching
import QBittorrentAPI

/// A real qbittorrent-nox of its own, started by `Tests/Support/scripts/qbittorrent.py` and gone with the object.
///
/// With `QBITTORRENT_CHROOT` in the environment it is the one of the Debian tree in that directory.
final class RealQBittorrent {
    struct Description: Decodable {
        var port: UInt16
        var pid: Int32
        var version: String
        var api: String
    }

    struct NotStarted: Error, CustomStringConvertible {
        var description: String
    }

    private let script = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    private(set) var description = Description(port: 0, pid: 0, version: "", api: "")

    init(_ arguments: String...) async throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Support/scripts/qbittorrent.py").path
        self.script.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let root = ProcessInfo.processInfo.environment["QBITTORRENT_CHROOT"].map { ["--chroot", $0] } ?? []
        self.script.arguments = ["python3", path] + root + arguments
        self.script.standardInput = self.input
        self.script.standardOutput = self.output
        self.script.standardError = self.errors
        try self.script.run()
        self.description = try await self.nextLine()
    }

    deinit {
        // The end of its input makes the script take the server away.
        try? self.input.fileHandleForWriting.close()
        self.script.waitUntilExit()
    }

    /// "kill" or "restart".
    func command(_ word: String) async throws {
        try self.input.fileHandleForWriting.write(contentsOf: Data("\(word)\n".utf8))
        self.description = try await self.nextLine()
    }

    private func nextLine() async throws -> Description {
        let handle = self.output.fileHandleForReading
        let line = await withCheckedContinuation { continuation in
            // On a thread of its own, for it waits for the server.
            Thread.detachNewThread {
                var line = Data()
                while let byte = try? handle.read(upToCount: 1), !byte.isEmpty, byte[0] != 0x0A {
                    line += byte
                }
                continuation.resume(returning: line)
            }
        }
        guard !line.isEmpty else {
            let text = try self.errors.fileHandleForReading.readToEnd() ?? Data()
            throw NotStarted(description: String(decoding: text, as: UTF8.self))
        }
        return try JSONDecoder().decode(Description.self, from: line)
    }

    func client(
        credentials: Credentials = .password(user: "admin", password: "adminadmin")
    ) -> QBittorrentClient {
        QBittorrentClient(
            fetcher: CurlFetcher(), address: ServerAddress(host: "127.0.0.1", port: self.description.port),
            credentials: credentials)
    }
}
