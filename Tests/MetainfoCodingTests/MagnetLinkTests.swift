import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

private let hex = "0123456789abcdef0123456789ABCDEF01234567"
private let base32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"
private let multihash = "1220" + String(repeating: "ab", count: 32)

private func failure(_ text: String) -> MagnetFailure? {
    do throws(MagnetFailure) {
        _ = try MagnetLink(text)
        return nil
    } catch {
        return error
    }
}

@Suite("A magnet link")
struct MagnetLinkTests {
    @Test("names a torrent by hexadecimal digits or by base32, which mean the same")
    func infoHash() throws {
        let link = try MagnetLink("magnet:?xt=urn:btih:\(hex)")
        #expect(link.v1ID == TorrentID(hex: hex) && link.v2InfoHash == nil && link.id == link.v1ID)
        for text in ["\(base32)", base32.lowercased()] {
            #expect(try MagnetLink("magnet:?xt=urn:btih:\(text)") == link)
        }
        for text in [
            "MAGNET:?XT=URN:BTIH:\(hex)", "magnet:?xt.1=urn:btih:\(hex)",
            "magnet:?dn=&xt=urn%3Abtih%3A\(hex)#x",
        ] {
            #expect(try MagnetLink(text) == link)
        }
        #expect(link.displayName == nil && link.trackers.isEmpty && link.selectedFiles == nil)
    }

    @Test("names a v2 torrent by its multihash, and a hybrid by both")
    func versionTwo() throws {
        let link = try MagnetLink("magnet:?xt=urn:btmh:\(multihash)")
        #expect(link.v1ID == nil && link.v2InfoHash?.bytes == [UInt8](repeating: 0xAB, count: 32))
        #expect(link.id.bytes == [UInt8](repeating: 0xAB, count: 20))
        let both = try MagnetLink("magnet:?xt=urn:btmh:\(multihash)&xt=urn:sha1:X&xt=urn:btih:\(hex)")
        #expect(both.v2InfoHash == link.v2InfoHash && both.v1ID == TorrentID(hex: hex))
        #expect(both.id == both.v1ID)
    }

    @Test("gives name, trackers, web seeds, peers and files")
    func parameters() throws {
        let link = try MagnetLink(
            "magnet:?xt=urn:btih:\(hex)&dn=a+b%20c%2Bd&dn=second&tr=http%3A%2F%2Fone.example%2Fannounce%3Fk%3D1+2"
                + "&tr=udp://two.example:80&tr.5=http://three.example/&tr=http%3A%2F%2Fone.example%2Fannounce%3Fk%3D1+2"
                + "&tr=file:///etc/passwd&tr=%zz&ws=https://seed.example/x&ws=ftp://x.example/"
                + "&x.pe=192.0.2.1:6881&x.pe=%5B2001:db8::1%5D:80&x.pe=host.example:1&x.pe=host.example:0&x.pe=bad"
                + "&x.pe=2001:db8::1:80&x.pe=[nonsense]:80&x.pe=a:99999&so=4,0,2,6-8,7-9&so=20&xl=5&unknown=1&novalue&="
        )
        #expect(link.displayName == "a b c+d")
        #expect(
            link.trackers == [
                "http://one.example/announce?k=1+2", "udp://two.example:80", "http://three.example/",
            ])
        #expect(link.webSeeds == ["https://seed.example/x"])
        #expect(
            link.peers == [
                MagnetPeer(host: "192.0.2.1", port: 6881), MagnetPeer(host: "2001:db8::1", port: 80),
                MagnetPeer(host: "host.example", port: 1),
            ])
        #expect(link.peers[0].address == PeerAddress("192.0.2.1:6881"))
        #expect(link.peers[1].address == PeerAddress("[2001:db8::1]:80") && link.peers[2].address == nil)
        #expect(link.selectedFiles == [0...0, 2...2, 4...4, 6...9, 20...20])
        #expect(link.announcement.tiers.count == 3 && link.announcement.webSeeds == link.webSeeds)
    }

    @Test(
        "is refused where it names no torrent, or several",
        arguments: [
            ("", .notMagnet), ("http://x.example/", .notMagnet), ("magnet:", .notMagnet),
            ("magnet:?", .noInfoHash),
            ("magnet:?dn=x", .noInfoHash), ("magnet:?xt=urn:sha1:x", .noInfoHash),
            ("magnet:?xt=\(hex)", .noInfoHash),
            ("magnet:?xt=urn:btih:", .badInfoHash), ("magnet:?xt=urn:btih:\(hex)0", .badInfoHash),
            ("magnet:?xt=urn:btih:\(hex.dropLast())", .badInfoHash),
            ("magnet:?xt=urn:btih:\(hex.dropLast())g", .badInfoHash),
            ("magnet:?xt=urn:btih:\(base32.dropLast())1", .badInfoHash),
            ("magnet:?xt=urn:btih:\(base32.dropLast())", .badInfoHash),
            ("magnet:?xt=urn:btmh:\(multihash.dropLast(2))", .badInfoHash),
            ("magnet:?xt=urn:btmh:1114\(hex)", .badInfoHash),
            ("magnet:?xt=urn:btmh:1221\(multihash.dropFirst(4))", .badInfoHash),
            ("magnet:?xt=urn:btih:\(hex)&xt=urn:btih:\(String(hex.reversed()))", .severalInfoHashes),
        ] as [(String, MagnetFailure)])
    func refused(text: String, reason: MagnetFailure) { #expect(failure(text) == reason) }

    @Test(
        "is refused where its choice of files makes no sense",
        arguments: [
            "", ",", "1,", "-", "1-", "-1", "3-2", "a", "1-2-3", "0x1", "1048576", "99999999999", "1 ", "%zz",
        ])
    func selection(text: String) {
        #expect(failure("magnet:?xt=urn:btih:\(hex)&so=\(text)") == .badSelection)
    }

    @Test("of any length is read in time, beyond a bound it is refused")
    func length() throws {
        let start = "magnet:?xt=urn:btih:\(hex)&z="
        let room = MagnetLink.maximumByteCount - start.utf8.count
        let many = (0..<room / 8).map { "&so=\($0 % 100 * 2)" }.joined()
        #expect(try MagnetLink(start + many).selectedFiles?.count == 100)
        let trackers = (0..<room / 15).map { "&tr=udp://a\($0 % 10)" }.joined()
        #expect(try MagnetLink(start + trackers).trackers.count == 10)
        #expect(failure(start + String(repeating: "x", count: room)) == nil)
        #expect(
            failure(start + String(repeating: "x", count: room + 1))
                == .tooLong(count: MagnetLink.maximumByteCount + 1, limit: MagnetLink.maximumByteCount))
    }

    @Test("is written so that it reads back the same", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var link = try MagnetLink(v1ID: #require(TorrentID(bytes: bytes(20))))
        if Bool.random(using: &random) {
            link = try MagnetLink(v2InfoHash: #require(InfoHashV2(bytes: bytes(32))))
        }
        if Bool.random(using: &random) { link.displayName = "n" + String(decoding: bytes(20), as: UTF8.self) }
        for number in 0..<Int.random(in: 0...3, using: &random) {
            link.trackers.append("http://t\(number).example/a?b=\(number)&c=%20d+e")
            link.webSeeds.append("https://w\(number).example/")
            link.peers.append(MagnetPeer(host: "2001:db8::\(number)", port: 7))
        }
        #expect(try MagnetLink(link.text) == link, "\(link.text)")
        let selecting = try MagnetLink(link.text + "&so=1-3,9")
        #expect(try MagnetLink(selecting.text) == selecting)
    }

    @Test("never traps, whatever byte of a good one changes", arguments: 0..<300 as Range<UInt64>)
    func changedBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bytes = Array("magnet:?xt=urn:btih:\(hex)&dn=%41&tr=http://a/&x.pe=[::1]:5&so=1-2".utf8)
        for _ in 0..<3 {
            bytes[Int.random(in: 8..<bytes.count, using: &random)] = UInt8.random(in: 0...127, using: &random)
        }
        if let link = try? MagnetLink(String(decoding: bytes, as: UTF8.self)) {
            #expect(try MagnetLink(link.text) == link)
        }
    }

    @Test("means a torrent that has each hash it names")
    func matching() throws {
        let torrent = try readFile(VersionTwo.torrent(hybrid: true))
        let v1 = try MagnetLink(v1ID: #require(torrent.v1ID))
        let v2 = try MagnetLink(v2InfoHash: #require(torrent.v2InfoHash))
        #expect(v1.names(torrent) && v2.names(torrent))
        let v1Only = try read(Sample.singleInfo)
        #expect(!v1.names(v1Only) && !v2.names(v1Only))
    }

    @Test("means the bytes that have each hash it names, before they are read")
    func matchingBytes() throws {
        let torrent = try readFile(VersionTwo.torrent(hybrid: true))
        let (v1, v2) = (try #require(torrent.v1ID), try #require(torrent.v2InfoHash))
        let bytes = Array(torrent.infoBytes)
        for link in [
            MagnetLink(v1ID: v1), MagnetLink(v2InfoHash: v2), MagnetLink(v1ID: v1, v2InfoHash: v2),
        ] {
            #expect(link.names(infoDictionary: bytes, hashing: .forTests))
            #expect(!link.names(infoDictionary: bytes + [0], hashing: .forTests))
            #expect(!link.names(infoDictionary: [], hashing: .forTests))
            #expect(!link.names(infoDictionary: [0, 0, 0], hashing: .forTests))
        }
    }
}
