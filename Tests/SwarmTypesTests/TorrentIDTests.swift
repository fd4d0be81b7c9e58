import SwarmTypes
import TestKit
import Testing

@Suite("Torrent identities")
struct TorrentIDTests {
    @Test(
        "Text and bytes name the same torrent, in either case of letter", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
        let id = try #require(TorrentID(bytes: bytes))
        #expect(id.bytes == bytes)
        #expect(TorrentID(hex: id.hex) == id)
        #expect(TorrentID(hex: id.hex.uppercased()) == id)
    }

    @Test("A v2 info-hash counts with its first 20 bytes")
    func truncation() {
        let first = String(repeating: "0a", count: 20)
        #expect(TorrentID(hex: first + String(repeating: "ff", count: 12)) == TorrentID(hex: first))
    }

    @Test(
        "Anything but 40 or 64 hexadecimal digits is refused",
        arguments: [
            "", "0", "xyz", String(repeating: "0", count: 39), String(repeating: "0", count: 41),
            String(repeating: "g", count: 40), String(repeating: "0", count: 63),
            String(repeating: "é", count: 20),
        ])
    func refusal(text: String) {
        #expect(TorrentID(hex: text) == nil)
    }

    @Test("The order is that of the bytes")
    func order() throws {
        let low = try #require(TorrentID(hex: "00" + String(repeating: "f", count: 38)))
        let high = try #require(TorrentID(hex: "01" + String(repeating: "0", count: 38)))
        #expect(low < high)
        #expect(!(high < low))
    }

    @Test("A key costs 24 bytes in an array")
    func size() {
        #expect(MemoryLayout<TorrentID>.stride == 20)
        #expect(MemoryLayout<TorrentKey>.stride == 24)
    }
}

@Suite("Limits")
struct UploadLimitTests {
    @Test("Unlimited is above every rate and equal only to itself")
    func order() {
        let most = UploadLimit.bytesPerSecond(.max)
        #expect(most < .unlimited)
        #expect(!(UploadLimit.unlimited < most))
        #expect(!(UploadLimit.unlimited < .unlimited))
        #expect(UploadLimit.bytesPerSecond(1) < .bytesPerSecond(2))
    }

    @Test("A rate is never negative")
    func clamp() {
        #expect(ByteRate(bytesPerSecond: -5) == .zero)
    }
}
