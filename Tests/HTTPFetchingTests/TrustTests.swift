import Foundation
import HTTPFetching
import TestKit
import Testing

private let openssl = "/usr/bin/openssl"

/// `openssl s_server` with a fresh self-signed certificate for "localhost".
private final class TLSServer {
    let port: Int
    let certificate: String
    private let folder: String
    private let process = Process()

    init() throws {
        self.folder = NSTemporaryDirectory() + "weir-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        self.certificate = self.folder + "/certificate.pem"
        let key = self.folder + "/key.pem"
        let maker = Process()
        maker.executableURL = URL(fileURLWithPath: openssl)
        maker.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-keyout",
            key, "-out", self.certificate, "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost",
        ]
        maker.standardError = FileHandle.nullDevice
        try maker.run()
        maker.waitUntilExit()

        let output = Pipe()
        self.process.executableURL = URL(fileURLWithPath: openssl)
        self.process.arguments = [
            "s_server", "-accept", "127.0.0.1:0", "-cert", self.certificate, "-key", key, "-www",
        ]
        self.process.standardOutput = output
        self.process.standardError = FileHandle.nullDevice
        self.process.standardInput = Pipe()
        try self.process.run()
        // It says "ACCEPT 127.0.0.1:port" once it listens.
        var text = ""
        while !text.contains(/ACCEPT .*\n/) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += String(decoding: more, as: UTF8.self)
        }
        self.port = try #require(text.firstMatch(of: /ACCEPT .*:(\d+)\n/).flatMap { Int($0.1) })
    }

    deinit {
        self.process.terminate()
        try? FileManager.default.removeItem(atPath: self.folder)
    }
}

@Suite(
    "Certificates", .timeLimit(.minutes(1)),
    .enabled(if: FileManager.default.isExecutableFile(atPath: openssl), "needs the openssl command"))
struct TrustTests {
    private func fetch(
        _ fixture: FetcherFixture, _ url: String, _ trust: FetchTrust
    ) async throws(FetchFailure) -> FetchResponse {
        try await fixture.fetcher.fetch(FetchRequest(url: url, timeoutSeconds: 10, trust: trust), into: nil)
    }

    private func isUntrusted(_ fixture: FetcherFixture, _ url: String, _ trust: FetchTrust) async -> Bool {
        do {
            _ = try await self.fetch(fixture, url, trust)
            return false
        } catch {
            guard case .untrusted(let message) = error else {
                Issue.record("\(error)")
                return false
            }
            return !message.isEmpty
        }
    }

    @Test(
        "A certificate is believed by its authority, its name, or the caller's express word, each time anew")
    func trust() async throws {
        let server = try TLSServer()
        let fixture = try FetcherFixture()
        let url = "https://localhost:\(server.port)/"
        #expect(await self.isUntrusted(fixture, url, FetchTrust()))
        #expect(try await self.fetch(fixture, url, FetchTrust(isVerified: false)).status == 200)
        // The connection of the careless request must not serve the careful one.
        #expect(await self.isUntrusted(fixture, url, FetchTrust()))
        #expect(
            try await self.fetch(fixture, url, FetchTrust(authorityFile: server.certificate)).status == 200)
        #expect(await self.isUntrusted(fixture, url, FetchTrust(authorityFile: "/nonexistent.pem")))
        let otherName = "https://127.0.0.1:\(server.port)/"
        #expect(await self.isUntrusted(fixture, otherName, FetchTrust(authorityFile: server.certificate)))
    }

    @Test("A server without TLS is no matter of trust")
    func noTLS() async throws {
        let fixture = try FetcherFixture()
        let server = ScriptedServer { connection in
            _ = connection.receive()
            connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        }
        do {
            _ = try await self.fetch(fixture, "https://127.0.0.1:\(server.port)/", FetchTrust())
            Issue.record("an answer")
        } catch {
            guard case .unreachable = error else {
                Issue.record("\(error)")
                return
            }
        }
    }
}
