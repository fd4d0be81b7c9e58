import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

/// A UDP tracker that answers by hand, and the transaction that asks it.
private final class Dialogue {
    var transaction: UDPTransaction
    var random: SplitMix64
    var now: Double = 0

    init(
        _ request: TrackerRequest, url: String = "udp://t.example:1", isIPv6: Bool = false,
        connection: UDPConnection? = nil, timing: UDPTiming = .standard, seed: UInt64 = 1
    ) throws {
        self.random = SplitMix64(seed: seed)
        self.transaction = UDPTransaction(
            request, to: try TrackerURL(url), isIPv6: isIPv6, connection: connection, timing: timing,
            using: &self.random)
    }

    func start() -> UDPTransaction.Action {
        self.transaction.start(at: seconds(self.now), using: &self.random)
    }

    func receive(_ datagram: [UInt8]) -> UDPTransaction.Action {
        self.transaction.received(datagram[...], at: seconds(self.now), using: &self.random)
    }

    /// Waits for the deadline, and tells what came of it and how long it took.
    func wait() throws -> (action: UDPTransaction.Action, seconds: Double) {
        let deadline = try #require(self.transaction.nextDeadline)
        let waited = deadline.seconds(since: seconds(self.now))
        self.now += waited
        return (self.transaction.timerFired(at: deadline, using: &self.random), waited)
    }

    /// The start of a reply to the last packet.
    func head(_ action: UInt32) -> [UInt8] { bytes(action) + bytes(self.transaction.transactionID) }
}

private func bytes<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> [UInt8] {
    stride(from: Number.bitWidth - 8, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: number >> Number($0))
    }
}

private func announce(_ event: AnnounceEvent = .started) throws -> AnnounceRequest {
    AnnounceRequest(
        torrent: try torrent(1), peerID: try peerID(), port: 6881, uploaded: 1, downloaded: 2, left: 3,
        event: event, wantedPeers: 80, key: 0xDEAD_BEEF)
}

private func kind(_ action: UDPTransaction.Action) -> UInt32? {
    guard case .send(let packet) = action else { return nil }
    return packet[8..<12].reduce(0) { $0 << 8 | UInt32($1) }
}

@Suite("A transaction with a UDP tracker")
struct UDPTransactionTests {
    @Test("Connects, announces with what it was given, and reads the answer (BEP 15)")
    func announcing() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        let connect = dialogue.start()
        let first = dialogue.transaction.transactionID
        #expect(connect == .send(bytes(0x417_2710_1980 as UInt64) + bytes(0 as UInt32) + bytes(first)))

        let request = dialogue.receive(dialogue.head(0) + bytes(0xC0FFEE as UInt64))
        let second = dialogue.transaction.transactionID
        var expected = bytes(0xC0FFEE as UInt64) + bytes(1 as UInt32) + bytes(second)
        expected += [UInt8](repeating: 1, count: 20) + Array("-WE0100-abcdefghijkl".utf8)
        expected += bytes(2 as UInt64) + bytes(3 as UInt64) + bytes(1 as UInt64) + bytes(2 as UInt32)
        expected += bytes(0 as UInt32) + bytes(0xDEAD_BEEF as UInt32) + bytes(80 as UInt32)
        expected += bytes(6881 as UInt16)
        #expect(first != second && request == .send(expected) && expected.count == 98)

        let peers: [UInt8] = [192, 0, 2, 1, 0, 1, 192, 0, 2, 2, 0, 2, 7]
        let answer = dialogue.receive(
            dialogue.head(1) + bytes(1800 as UInt32) + bytes(4 as UInt32) + bytes(5 as UInt32) + peers)
        #expect(
            answer
                == .answered(
                    .announced(
                        AnnounceAnswer(
                            peers: [PeerAddress("192.0.2.1:1"), PeerAddress("192.0.2.2:2")].compactMap { $0 },
                            interval: 1800, counts: SwarmCounts(seeds: 5, leeches: 4)))))
        #expect(dialogue.transaction.nextDeadline == nil)
    }

    @Test(
        "Numbers every event as BEP 15 does",
        arguments: zip(
            [.none, .completed, .started, .stopped, .paused] as [AnnounceEvent], 0...4 as ClosedRange<UInt32>)
    )
    func events(event: AnnounceEvent, number: UInt32) throws {
        let packet = UDPTrackerPacket.request(
            .announce(try announce(event)), url: try TrackerURL("udp://t:1"), connection: 0, transaction: 0)
        #expect(Array(packet[80..<84]) == bytes(number))
    }

    @Test("Sends path and query as URL data, in options of 255 bytes (BEP 41)")
    func urlData() throws {
        func options(_ url: String) throws -> [UInt8] {
            Array(
                UDPTrackerPacket.request(
                    .announce(try announce()), url: try TrackerURL(url), connection: 0, transaction: 0
                ).dropFirst(98))
        }
        #expect(try options("udp://t.example:80/dir?a=b&c=d") == [2, 12] + Array("/dir?a=b&c=d".utf8))
        #expect(try options("udp://t.example:80") == [])
        let long = "/" + String(repeating: "k", count: 599)
        let sent = try options("udp://t.example:80" + long)
        #expect(sent.count == 606 && sent[1] == 255 && sent[258] == 255 && sent[515] == 90)
        let text = sent[2..<257] + sent[259..<514] + sent[516...]
        #expect(Array(text) == Array(long.utf8))
    }

    @Test("Reads addresses by the family that the packet came over")
    func ipv6() throws {
        let dialogue = try Dialogue(.announce(try announce()), isIPv6: true)
        _ = dialogue.start()
        _ = dialogue.receive(dialogue.head(0) + bytes(1 as UInt64))
        let peer: [UInt8] = [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0, 9]
        let action = dialogue.receive(dialogue.head(1) + [UInt8](repeating: 0, count: 12) + peer)
        guard case .answered(.announced(let answer)) = action else { return #expect(Bool(false)) }
        #expect(answer.peers.map(\.description) == ["[2001:db8::1]:9"] && answer.interval == nil)
    }

    @Test("Scrapes in the order asked, as far as the answer goes")
    func scraping() throws {
        let torrents = [try torrent(1), try torrent(2), try torrent(3)]
        let dialogue = try Dialogue(.scrape(torrents))
        _ = dialogue.start()
        let request = dialogue.receive(dialogue.head(0) + bytes(1 as UInt64))
        guard case .send(let packet) = request else { return #expect(Bool(false)) }
        #expect(packet.count == 16 + 60 && kind(request) == 2)
        let counts = (1...7).flatMap { bytes(UInt32($0)) }
        #expect(
            dialogue.receive(dialogue.head(2) + counts)
                == .answered(
                    .scraped(
                        ScrapeAnswer(counts: [
                            torrents[0]: SwarmCounts(seeds: 1, leeches: 3, completions: 2),
                            torrents[1]: SwarmCounts(seeds: 4, leeches: 6, completions: 5),
                        ]))))
    }

    @Test("Repeats after 15 · 2ⁿ seconds, up to n = 8, then gives up")
    func retransmission() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        let first = dialogue.start()
        for n in 0..<8 {
            let (action, waited) = try dialogue.wait()
            #expect(action == first && abs(waited - 15 * Double(1 << n)) < 1e-3)
        }
        let (action, waited) = try dialogue.wait()
        #expect(action == .failed(.timedOut) && abs(waited - 3840) < 1e-3)
        #expect(dialogue.transaction.nextDeadline == nil)
        #expect(dialogue.receive(dialogue.head(0) + bytes(1 as UInt64)) == .ignore)
    }

    @Test("Does nothing before its deadline")
    func early() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        _ = dialogue.start()
        dialogue.now = 14.9
        let action = dialogue.transaction.timerFired(at: seconds(14.9), using: &dialogue.random)
        #expect(action == .ignore)
    }

    @Test("Asks for a new connection when the old one is a minute old")
    func expiry() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        _ = dialogue.start()
        _ = dialogue.receive(dialogue.head(0) + bytes(1 as UInt64))
        // The times of BEP 15's example: announces after 15 and 45 seconds, then a connect.
        let kinds = try (0..<3).map { _ in kind(try dialogue.wait().action) }
        #expect(kinds == [1, 1, 0] && abs(dialogue.now - 105) < 1e-3)
        #expect(dialogue.transaction.connection == nil)
    }

    @Test("A tracker that only ever connects is given up")
    func onlyConnects() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        var action = dialogue.start()
        var sent = 0
        while case .send = action, sent < 1000 {
            sent += 1
            action =
                kind(action) == 0
                ? dialogue.receive(dialogue.head(0) + bytes(1 as UInt64)) : try dialogue.wait().action
        }
        #expect(action == .failed(.timedOut) && sent < 30)
    }

    @Test("Uses a connection of others, and makes its own when the tracker does not know that one")
    func borrowed() throws {
        let connection = UDPConnection(id: 7, receivedAt: seconds(0))
        for isToldSo in [true, false] {
            let dialogue = try Dialogue(.announce(try announce()), connection: connection)
            #expect(kind(dialogue.start()) == 1)
            let action =
                isToldSo
                ? dialogue.receive(dialogue.head(3) + Array("Connection ID mismatch".utf8))
                : try dialogue.wait().action
            #expect(kind(action) == 0 && dialogue.transaction.connection == nil)
            #expect(kind(dialogue.receive(dialogue.head(0) + bytes(8 as UInt64))) == 1)
            #expect(dialogue.transaction.connection?.id == 8)
            let refusal = dialogue.receive(dialogue.head(3) + Array("no\n".utf8))
            #expect(refusal == .failed(.refused(TrackerText("no\n"), retry: .unsaid)))
        }
    }

    @Test("Forged, mismatched and short packets change nothing, whatever their bytes", arguments: 0..<200)
    func forged(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for isConnected in [false, true] {
            let dialogue = try Dialogue(.announce(try announce()), seed: seed)
            _ = dialogue.start()
            if isConnected { _ = dialogue.receive(dialogue.head(0) + bytes(1 as UInt64)) }
            let right: UInt32 = isConnected ? 1 : 0
            let whole = dialogue.head(right) + [UInt8](repeating: 0, count: isConnected ? 12 : 8)
            let before = dialogue.transaction.transactionID
            // Every cut of the right answer.
            for end in 0..<whole.count { #expect(dialogue.receive(Array(whole[..<end])) == .ignore) }
            // The right answer to another transaction, and other kinds of answer to this one.
            var other = whole
            other[4 + Int.random(in: 0..<4, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            #expect(dialogue.receive(other) == .ignore)
            for action in [1 - right, 2, 4, .max] as [UInt32] {
                #expect(dialogue.receive(dialogue.head(action) + whole.dropFirst(8)) == .ignore)
            }
            let noise = (0..<Int.random(in: 0...2000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(dialogue.receive(noise) == .ignore)
            #expect(dialogue.transaction.transactionID == before)
            #expect(dialogue.receive(whole) != .ignore)
        }
    }

    @Test("A datagram of 64 KiB gives a thousand peers and no more")
    func huge() throws {
        let dialogue = try Dialogue(.announce(try announce()))
        _ = dialogue.start()
        _ = dialogue.receive(dialogue.head(0) + bytes(1 as UInt64))
        let action = dialogue.receive(
            dialogue.head(1) + [UInt8](repeating: 1, count: 65_507 - 8))
        guard case .answered(.announced(let answer)) = action else { return #expect(Bool(false)) }
        #expect(answer.peers.count == AnnounceAnswer.maximumPeers)
    }
}
