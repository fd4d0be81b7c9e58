import EventIO
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

@Suite("Asking UDP trackers", .timeLimit(.minutes(1)))
struct UDPTrackerTests {
    @Test("Connects once and announces as often as it likes, with the URL's path")
    func announcing() async throws {
        let tracker = try UDPTracker { datagram, _ in [UDPTracker.goodReply(to: datagram)] }
        let fixture = try ClientFixture()
        let url = "udp://127.0.0.1:\(tracker.port)/announce?key=1"
        for _ in 0..<3 {
            let answer = try await fixture.announce(url).get()
            #expect(answer.peers.map(\.description) == ["192.0.2.1:9"] && answer.interval == 1800)
            #expect(answer.counts == SwarmCounts(seeds: 2, leeches: 1))
        }
        #expect(tracker.actions == [0, 1, 1, 1])
        let text = "/announce?key=1"
        #expect(tracker.datagrams[1].dropFirst(98).elementsEqual([2, UInt8(text.utf8.count)] + text.utf8))
    }

    @Test("Speaks IPv6")
    func ipv6() async throws {
        let tracker = try UDPTracker(isIPv6: true) { datagram, _ in
            let reply = UDPTracker.goodReply(to: datagram)
            return datagram[11] == 1
                ? [Array(reply.dropLast(6)) + [UInt8](repeating: 0x20, count: 18)] : [reply]
        }
        let fixture = try ClientFixture()
        let answer = try await fixture.announce("udp://[::1]:\(tracker.port)").get()
        #expect(answer.peers.map(\.port) == [0x2020] && answer.peers.first?.ipv4 == nil)
    }

    @Test("Lost packets are sent again, forged and short ones ignored")
    func bad() async throws {
        let tracker = try UDPTracker { datagram, index in
            guard index % 2 == 1 else { return [] }
            let good = UDPTracker.goodReply(to: datagram)
            var forged = good
            forged[7] ^= 1
            return [[], [0], Array(good.prefix(15)), forged, good]
        }
        let fixture = try ClientFixture { $0.udpTiming = UDPTiming(waitSeconds: [0.05, 5, 5]) }
        #expect(try await fixture.announce("udp://127.0.0.1:\(tracker.port)").get().peers.count == 1)
        #expect(tracker.actions == [0, 0, 1, 1])
    }

    @Test("A tracker that is silent, and one that refuses, are told apart")
    func failures() async throws {
        let silent = try UDPTracker { _, _ in [] }
        let fixture = try ClientFixture { $0.udpTiming = UDPTiming(waitSeconds: [0.05, 0.05]) }
        #expect(
            try await fixture.announce("udp://127.0.0.1:\(silent.port)") == .failure(.timedOut))
        #expect(silent.actions == [0, 0])

        let refusing = try UDPTracker { datagram, _ in
            datagram[11] == 0
                ? [UDPTracker.goodReply(to: datagram)]
                : [[0, 0, 0, 3] + datagram[12..<16] + Array("unregistered".utf8)]
        }
        #expect(
            try await fixture.announce("udp://127.0.0.1:\(refusing.port)")
                == .failure(.refused(TrackerText("unregistered"), retry: .unsaid)))

        let free = try UDPTracker { _, _ in [] }.port
        #expect(
            try await fixture.announce("udp://127.0.0.1:\(free)")
                == .failure(.unreachable("nobody listens on its UDP port")))
    }

    @Test("A deadline cuts the repetition short")
    func deadline() async throws {
        let silent = try UDPTracker { _, _ in [] }
        // So that only the deadline ends it.
        let fixture = try ClientFixture { $0.udpTiming = UDPTiming(waitSeconds: [1000]) }
        let result = try await fixture.announce(
            "udp://127.0.0.1:\(silent.port)", .stopped, deadlineSeconds: 0.1)
        #expect(result == .failure(.timedOut))
    }

    @Test("A scrape needs no other place")
    func scraping() async throws {
        let tracker = try UDPTracker { datagram, _ in [UDPTracker.goodReply(to: datagram)] }
        let fixture = try ClientFixture()
        let a = try torrent(1)
        let answer = try await fixture.scrape("udp://127.0.0.1:\(tracker.port)", [a]).get()
        #expect(answer.counts == [a: SwarmCounts(seeds: 5, leeches: 6, completions: 8)])
    }
}

@Suite("The names of UDP trackers", .timeLimit(.minutes(1)))
struct TrackerNameTests {
    /// A look-up that answers the same always, and counts.
    private final class Names: Sendable {
        private let addresses: [PeerAddress]
        private let asked = Lock<[String]>([])

        init(_ hosts: String...) {
            self.addresses = hosts.compactMap { PeerAddress(host: $0, port: 0) }
        }

        var hosts: [String] { self.asked.withLock { $0 } }

        func lookUp(_ host: String) -> Result<[PeerAddress], NameFailure> {
            self.asked.withLock { $0.append(host) }
            return self.addresses.isEmpty
                ? .failure(NameFailure("no such name")) : .success(self.addresses)
        }
    }

    @Test("A name is looked up once for many announces at a time and for later ones")
    func remembered() async throws {
        let tracker = try UDPTracker { datagram, _ in [UDPTracker.goodReply(to: datagram)] }
        let names = Names("127.0.0.1")
        let fixture = try ClientFixture { $0.lookUp = names.lookUp }
        let url = "udp://tracker.example:\(tracker.port)"
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { _ = try? await fixture.announce(url).get() }
            }
        }
        _ = try await fixture.announce(url).get()
        #expect(names.hosts == ["tracker.example"])
    }

    @Test("A name that is not found is told with the system's words")
    func notFound() async throws {
        let fixture = try ClientFixture { $0.lookUp = Names().lookUp }
        #expect(
            try await fixture.announce("udp://nowhere.example:1")
                == .failure(.unreachable("nowhere.example is not found: no such name")))
    }

    @Test("Addresses that may not be talked to are never asked, whatever the name")
    func refused() async throws {
        for hosts in [["169.254.169.254"], ["0.0.0.0", "fe80::1"], ["224.0.0.1", "::"]] {
            let addresses = hosts.compactMap { PeerAddress(host: $0, port: 0) }
            let fixture = try ClientFixture { $0.lookUp = { _ in .success(addresses) } }
            guard case .failure(.notAllowed) = try await fixture.announce("udp://t.example:1") else {
                return #expect(Bool(false), "\(hosts)")
            }
        }
    }

    @Test("When one family leads nowhere the other is tried, unless one was asked for")
    func families() async throws {
        let tracker = try UDPTracker { datagram, _ in [UDPTracker.goodReply(to: datagram)] }
        let names = Names("::1", "127.0.0.1")
        let fixture = try ClientFixture {
            $0.lookUp = names.lookUp
            $0.udpTiming = UDPTiming(waitSeconds: [5])
        }
        let url = "udp://t.example:\(tracker.port)"
        #expect(try await fixture.announce(url).get().peers.count == 1)
        guard case .failure = try await fixture.announce(url, family: .ipv6) else {
            return #expect(Bool(false))
        }
        #expect(try await fixture.announce(url, family: .ipv4).get().peers.count == 1)
    }

    @Test("The system's own look-up finds this machine, and nothing for what cannot be a name")
    func system() throws {
        let addresses = try systemLookUp("localhost").get()
        #expect(!addresses.isEmpty && addresses.allSatisfy { $0.scope == .loopback && $0.port == 0 })
        #expect(throws: NameFailure.self) { try systemLookUp("a..b").get() }
    }
}
