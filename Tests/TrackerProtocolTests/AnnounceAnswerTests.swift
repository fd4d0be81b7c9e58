import BencodeCoding
import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

@Suite("A tracker's answer over HTTP")
struct AnnounceAnswerTests {
    private func read(_ body: String) throws(AnnounceFailure) -> AnnounceAnswer {
        try AnnounceAnswer(httpBody: Array(body.utf8)[...])
    }

    private static let compact: [UInt8] = [192, 0, 2, 1, 0x1A, 0xE1, 192, 0, 2, 2, 0, 1]

    /// With everything in it.
    private static func full() -> [UInt8] {
        var writer = BencodeWriter()
        writer.dictionary { writer in
            writer.member("complete", 7)
            writer.member("downloaded", 9)
            writer.member("external ip", bytes: [203, 0, 113, 9])
            writer.member("incomplete", 8)
            writer.member("interval", 1800)
            writer.member("min interval", 900)
            writer.member("peers", bytes: Self.compact)
            writer.member(
                "peers6", bytes: [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0, 9])
            writer.member("tracker id", "T")
            writer.member("warning message", "mind\nthis")
        }
        return writer.bytes
    }

    @Test("Gives peers of both families, times, counts, warning, its id and our address")
    func everything() throws {
        let answer = try AnnounceAnswer(httpBody: Self.full()[...])
        #expect(answer.peers.map(\.description) == ["192.0.2.1:6881", "192.0.2.2:1", "[2001:db8::1]:9"])
        #expect(answer.interval == 1800 && answer.minimumInterval == 900)
        #expect(answer.counts == SwarmCounts(seeds: 7, leeches: 8, completions: 9))
        #expect(answer.warning?.verbatim == "mind\nthis" && answer.warning?.displayed == "mind\\nthis")
        #expect(answer.trackerID == Array("T".utf8))
        #expect(answer.externalAddress == PeerAddress("203.0.113.9:0"))
    }

    @Test("Peers may be dictionaries, with addresses of either family; names are left out")
    func dictionaries() throws {
        let answer = try self.read(
            "d5:peersld2:ip9:192.0.2.14:porti6881eed2:ip11:2001:db8::17:peer id1:x4:porti2ee"
                + "d2:ip9:t.example4:porti3eed2:ip9:192.0.2.14:porti-1eed4:porti1eei5ed2:ip9:192.0.2.94:porti99999eeee"
        )
        #expect(
            answer.peers.map(\.description)
                == ["192.0.2.1:6881", "[2001:db8::1]:2", "192.0.2.9:65535"])
    }

    @Test("Peers that cannot be are left out, and the tail of an odd list")
    func unusable() throws {
        let bytes: [UInt8] = [
            0, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 224, 0, 0, 1, 0, 1, 192, 0, 2, 1, 0, 1, 9, 9,
        ]
        var writer = BencodeWriter()
        writer.dictionary { $0.member("peers", bytes: bytes) }
        #expect(
            try AnnounceAnswer(httpBody: writer.bytes[...]).peers.map(\.description) == ["192.0.2.1:1"])
    }

    @Test("At most a thousand peers are kept, compact or not")
    func manyPeers() throws {
        let compact = (0..<200_000).flatMap { _ in [192, 0, 2, 1, 0, 1] as [UInt8] }
        var writer = BencodeWriter()
        writer.dictionary { $0.member("peers", bytes: compact) }
        #expect(try AnnounceAnswer(httpBody: writer.bytes[...]).peers.count == AnnounceAnswer.maximumPeers)

        let one = "d2:ip9:192.0.2.14:porti1ee"
        let answer = try self.read("d5:peersl" + String(repeating: one, count: 20_000) + "ee")
        #expect(answer.peers.count == AnnounceAnswer.maximumPeers)
    }

    @Test("More than two megabytes are refused unread")
    func tooLong() {
        let body = [UInt8](repeating: UInt8(ascii: "1"), count: AnnounceAnswer.maximumBytes + 1)
        #expect(throws: AnnounceFailure.self) { try AnnounceAnswer(httpBody: body[...]) }
    }

    @Test("Unknown keys, wrong kinds, unsorted keys, absurd numbers and a line break at the end do no harm")
    func sloppy() throws {
        let answer = try self.read(
            "d8:completei-5e8:intervali-1e5:extrad1:ali1eee10:incomplete1:x12:min intervali99999999999e5:peersi0ee\r\n"
        )
        #expect(answer.peers.isEmpty && answer.interval == nil && answer.counts == SwarmCounts())
        #expect(answer.minimumInterval == .max)
        #expect(try self.read("de").peers.isEmpty)
    }

    @Test(
        "A refusal keeps the tracker's words and what it says of trying again (BEP 31)",
        arguments: [
            ("d14:failure reason3:No!e", .unsaid), ("d14:failure reason3:No!8:retry in5:nevere", .never),
            ("d14:failure reason3:No!8:retry in1:5e", .afterMinutes(5)),
            ("d14:failure reason3:No!8:retry ini7ee", .afterMinutes(7)),
            ("d14:failure reason3:No!8:retry ini-7ee", .unsaid),
            ("d14:failure reason3:No!8:retry in4:soone", .unsaid),
        ] as [(String, RetryAdvice)])
    func refusals(body: String, retry: RetryAdvice) {
        #expect(throws: AnnounceFailure.refused(TrackerText("No!"), retry: retry)) { try self.read(body) }
    }

    @Test(
        "What is no dictionary is no answer",
        arguments: ["", "<html>", "le", "i1e", "d", "d5:peers", "3:abc"])
    func nonsense(body: String) {
        #expect {
            try self.read(body)
        } throws: {
            guard case .badAnswer(let words)? = $0 as? AnnounceFailure else { return false }
            return !words.isEmpty
        }
    }

    @Test("Every cut of an answer is refused, whole it is taken")
    func everyCut() throws {
        let body = Self.full()
        for end in 0..<body.count {
            #expect(throws: AnnounceFailure.self) { try AnnounceAnswer(httpBody: body[..<end]) }
        }
        _ = try AnnounceAnswer(httpBody: body[...])
        // A slice that does not begin at zero reads the same.
        let inside = [9, 9] + body
        #expect(try AnnounceAnswer(httpBody: inside[2...]) == AnnounceAnswer(httpBody: body[...]))
    }

    @Test("Changed bytes never trap and never give more than allowed", arguments: 0..<300)
    func changedBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var body = Self.full()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            body[Int.random(in: 0..<body.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        guard let answer = try? AnnounceAnswer(httpBody: body[...]) else { return }
        #expect(answer.peers.count <= 3 && answer.peers.allSatisfy(\.isUsable))
        #expect((answer.trackerID?.count ?? 0) <= 256)
    }

    @Test("A scrape gives the counts of the torrents asked for and of no other")
    func scrape() throws {
        let (a, b) = (try torrent(0x61), try torrent(0x62))
        let body =
            "d5:filesd20:\(String(repeating: "a", count: 20))d8:completei1e10:downloadedi2e11:downloadersi3e"
            + "10:incompletei4ee20:\(String(repeating: "c", count: 20))d8:completei9ee3:abcdeee"
        let answer = try ScrapeAnswer(httpBody: Array(body.utf8)[...], for: [a, b])
        #expect(
            answer.counts == [a: SwarmCounts(seeds: 1, leeches: 4, completions: 2, downloaders: 3)])
        #expect(throws: AnnounceFailure.badAnswer("it has no \"files\"")) {
            try ScrapeAnswer(httpBody: Array("de".utf8)[...], for: [a])
        }
    }
}

@Suite("A tracker's words")
struct TrackerTextTests {
    @Test("Are cut after a kilobyte and never inside a character")
    func cut() {
        #expect(TrackerText(String(repeating: "a", count: 5000)).verbatim.utf8.count == 1024)
        let text = TrackerText(String(repeating: "é", count: 5000) + "x").verbatim
        #expect(text == String(repeating: "é", count: 512))
        #expect(TrackerText("a" + String(repeating: "é", count: 600)).verbatim.utf8.count == 1023)
    }

    @Test("Are shown with control characters and marks of direction escaped")
    func shown() {
        let text = TrackerText("a\u{1B}[31m\nb\u{202E}c\u{9B}\t<img>\u{FEFF}")
        #expect(text.displayed == "a\\u{1b}[31m\\nb\\u{202e}c\\u{9b}\\t<img>\\u{feff}")
        #expect(TrackerText([0x61, 0xFF]).displayed == "a\u{FFFD}")
    }

    @Test(
        "Say that a torrent is unknown in the usual ways",
        arguments: [
            ("Unregistered torrent", true), ("torrent NOT registered with this tracker", true),
            ("Torrent not found", true), ("unknown torrent", true), ("banned client", false), ("", false),
        ])
    func unregistered(text: String, says: Bool) {
        #expect(TrackerText(text).saysUnregistered == says)
    }
}
