import SwarmTypes
import Testing

@testable import TrackerProtocol

@Suite("An announce over HTTP")
struct AnnounceQueryTests {
    private func request(_ change: (inout AnnounceRequest) -> Void = { _ in }) throws -> AnnounceRequest {
        let bytes: [UInt8] = Array(0..<10) + Array("a~Z-_.%/".utf8) + [0x80, 0xFF]
        var request = AnnounceRequest(
            torrent: try #require(TorrentID(bytes: bytes)), peerID: try peerID(), port: 6881, uploaded: 1,
            downloaded: 2, left: 3, key: 0xAB)
        change(&request)
        return request
    }

    private static let hash = "%00%01%02%03%04%05%06%07%08%09a~Z-_.%25%2F%80%FF"

    @Test("Says all in one query, the hash percent-encoded byte by byte")
    func query() throws {
        let url = try request().httpURL(for: TrackerURL("http://t.example/announce"))
        #expect(
            url == "http://t.example/announce?info_hash=\(Self.hash)&peer_id=-WE0100-abcdefghijkl&port=6881"
                + "&uploaded=1&downloaded=2&left=3&key=000000AB&numwant=80&compact=1&no_peer_id=1"
                + "&supportcrypto=1")
    }

    @Test("Tells the event, the tracker's own word, and corrupt and redundant bytes apart")
    func optionalParts() throws {
        let url = try request {
            $0.event = .stopped
            $0.trackerID = Array("a b&".utf8)
            ($0.corrupt, $0.redundant, $0.wantedPeers) = (5, 6, 0)
        }.httpURL(for: TrackerURL("http://t.example"))
        for part in ["&event=stopped", "&trackerid=a%20b%26", "&corrupt=5", "&redundant=6", "&numwant=0"] {
            #expect(url.contains(part))
        }
    }

    @Test(
        "Keeps the query that a URL has already, with the passkey",
        arguments: [
            ("http://t/a?passkey=K", "http://t/a?passkey=K&info_hash="),
            ("http://t/a?", "http://t/a?info_hash="), ("http://t/a?x&", "http://t/a?x&info_hash="),
            ("http://t/K/announce", "http://t/K/announce?info_hash="), ("http://t", "http://t?info_hash="),
        ])
    func existingQuery(text: String, start: String) throws {
        #expect(try request().httpURL(for: TrackerURL(text)).hasPrefix(start))
    }

    @Test("A scrape names each torrent, and no more than 64")
    func scrape() throws {
        let url = try TrackerURL("http://t/scrape?k=1")
        #expect(
            url.httpScrapeURL(of: [try torrent(0x61), try torrent(0)])
                == "http://t/scrape?k=1&info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash="
                + String(repeating: "%00", count: 20))
        let many = url.httpScrapeURL(of: [TorrentID](repeating: try torrent(1), count: 1000))
        #expect(many.split(separator: "info_hash").count == 65)
    }
}
