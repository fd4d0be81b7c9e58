import EventIO
import Glibc
import StallDiagnosis
import SwarmTypes
import TestKit
import Testing
import TorrentEngine

/// Answers each datagram on loopback by what `answer` makes of it, on a thread of its own, until it is let go of.
private final class DatagramServer: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isBound =
            PeerAddress(ipv4: 0x7F00_0001, port: 0).withSocketAddress { bind(descriptor, $0, $1) } == 0
        let address = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
                getsockname(descriptor, own, &length) == 0
                    ? PeerAddress(UnsafeRawPointer(own), length: Int(length)) : nil
            }
        }
        try #require(isBound)
        self.port = try #require(address).port
        let loop = try EventLoop(name: "datagrams")
        try loop.start()
        loop.post {
            while true {
                var bytes = [UInt8](repeating: 0, count: 2048)
                var storage = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let isGoingOn = withUnsafeMutablePointer(to: &storage) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sender in
                        let count = recvfrom(descriptor, &bytes, bytes.count, 0, sender, &length)
                        guard count > 0 else { return false }
                        let reply = answer(Array(bytes.prefix(count)))
                        if !reply.isEmpty { sendto(descriptor, reply, reply.count, 0, sender, length) }
                        return true
                    }
                }
                if !isGoingOn { break }
            }
            close(descriptor)
        }
        loop.stop()
        loop.detach()
    }

    /// The thread ends when its `recvfrom` does, and closes the socket.
    deinit { shutdown(self.descriptor, Int32(SHUT_RDWR)) }
}

@Suite("What the doctor tries", .timeLimit(.minutes(1)))
struct ConnectabilityProbeTests {
    let temporary = TemporaryDirectory()

    private func facts(_ change: (inout ConnectabilityProbe) -> Void = { _ in }) throws -> ConnectabilityFacts
    {
        var probe = ConnectabilityProbe()
        probe.directory = self.temporary.path
        probe.sampleName = "localhost"
        change(&probe)
        return try probe.facts()
    }

    @Test("A machine in order: a port, a folder, names and descriptors; nothing is left in the folder")
    func order() throws {
        let facts = try self.facts { $0.neededBytes = 1000 }
        guard case .open(let port) = facts.listening else {
            Issue.record("\(facts.listening)")
            return
        }
        #expect(port > 0)
        #expect(facts.areRoutesTested)
        guard case .works = facts.names else {
            Issue.record("\(facts.names)")
            return
        }
        #expect(facts.descriptorLimit > facts.descriptorsUsed && facts.descriptorsUsed > 0)
        let folder = try #require(facts.folders.first)
        #expect(
            folder.state == .fine && folder.freeBytes > 0 && folder.neededBytes == 1000 && folder.isSparse)
        #expect(rmdir(self.temporary.path) == 0)
    }

    @Test("A port in use is named")
    func portInUse() throws {
        let taken = try ListeningSocket(PeerAddress(ipv4: 0, port: 0))
        let port = taken.address.port
        #expect(try self.facts { $0.port = port }.listening == .portInUse(port))
    }

    @Test("A folder that is not there, and a file in its place")
    func folders() throws {
        let file = self.temporary.file("file")
        close(open(file, O_CREAT | O_WRONLY, 0o600))
        for (path, code) in [(self.temporary.file("none"), ENOENT), (file, ENOTDIR)] {
            let words = String(cString: strerror(code))
            #expect(try self.facts { $0.directory = path }.folders.first?.state == .failing(words))
        }
    }

    @Test("Trackers that answer, refuse, talk nonsense or have no name, over TCP and UDP")
    func trackers() throws {
        let web = ScriptedServer { _ in }
        let good = try DatagramServer { packet in
            packet.count == 16 ? [0, 0, 0, 0] + packet[12...] + [1, 2, 3, 4, 5, 6, 7, 8] : []
        }
        let liar = try DatagramServer { _ in Array("HTTP/1.1 400 Bad Request".utf8) }
        let gone = try ListeningSocket(PeerAddress(ipv4: 0x7F00_0001, port: 0)).address.port
        let facts = try self.facts {
            $0.trackers = [
                "http://127.0.0.1:\(web.port)/0123456789abcdef0123456789abcdef/announce",
                "udp://127.0.0.1:\(good.port)/announce", "udp://127.0.0.1:\(liar.port)",
                "http://127.0.0.1:\(gone)/announce", "udp://127.0.0.1:\(gone)",
                "http://no-such-name.invalid/announce", "http://127.0.0.1:\(web.port)/admin?reset=1",
                "gopher://127.0.0.1/", "not a URL",
            ]
        }
        #expect(
            facts.trackers.map(\.state) == [
                .working, .working, .failing(.badAnswer), .failing(.refused), .failing(.refused),
                .failing(.nameNotFound), .failing(.other),
            ])
        #expect(!facts.trackers.contains { $0.url.contains("0123456789abcdef") })
        #expect(diagnose(facts).contains { $0.code == .trackersPartly })
    }

    @Test("A tracker that is silent costs its time and no more")
    func silentTracker() throws {
        let silent = try DatagramServer { _ in [] }
        let facts = try self.facts { $0.trackers = ["udp://127.0.0.1:\(silent.port)"] }
        #expect(facts.trackers.map(\.state) == [.failing(.timedOut)])
        #expect(facts.now.seconds(since: facts.since) < 9)
    }
}
