import PeerProtocol
import SwarmTypes
import TestKit
import Testing

@Suite("Names of clients")
struct ClientNameTests {
    @Test(
        "The ids that clients use are told apart, with their versions",
        arguments: [
            ("-qB5150-", "qBittorrent 5.1.5"), ("-qB4520-", "qBittorrent 4.5.2"),
            ("-LT20B0-", "libtorrent 2.0.11"),
            ("-lt0D80-", "libTorrent 0.13.8"), ("-TR3000-", "Transmission 3.00"),
            ("-TR2940-", "Transmission 2.94"),
            ("-TR4060-", "Transmission 4.0.6"), ("-TR410B-", "Transmission 4.1"),
            ("-UT355S-", "µTorrent 3.5.5"),
            ("-DE211s-", "Deluge 2.1.1"), ("-AZ5760-", "Vuze 5.7.6"), ("-BI3500-", "BiglyBT 3.5"),
            ("-WE0100-", "Weir 0.1"), ("-rQ0001-", "rqbit 0.0.0.1"),
            ("-GT0003-", "anacrolix torrent 0.0.0.3"),
            ("-FG0180", "FlashGet 0.1.8"), ("-XY1234-", "XY 1.2.3.4"), ("A2-1-36-0-", "aria2 1.36.0"),
            ("M7-10-3--", "BitTorrent 7.10.3"), ("Q1-10-0-", "Queen Bee 1.10.0"),
            ("S58B-----", "Shadow's client 5.8.11"),
            ("T03I-----", "BitTornado 0.3.18"), ("XBT054d-", "XBT Client 0.5.4"),
            ("-ML2.7.2-", "MLdonkey 2.7.2"),
            ("AZ2500BT", "BitTyrant"), ("346------", "TorrenTopia"),
        ])
    func names(start: String, expected: String) throws {
        let bytes = Array(start.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 20)
        #expect(ClientName(try #require(PeerID(bytes: bytes.prefix(20))))?.description == expected)
    }

    @Test("BitComet and BitLord count with bytes")
    func bitComet() throws {
        let comet = Array("exbc".utf8) + [0, 56] + [UInt8](repeating: 1, count: 14)
        #expect(ClientName(try #require(PeerID(bytes: comet)))?.description == "BitComet 0.56")
        let lord = Array("exbc".utf8) + [1, 9] + Array("LORD0123456789".utf8)
        #expect(ClientName(try #require(PeerID(bytes: lord)))?.description == "BitLord 1.09")
    }

    @Test("Any other bytes have no name, and never trap", arguments: 0..<500)
    func arbitrary(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let marks = ["", "-", "-ML", "-qB", "M", "Q", "A2-", "exbc", "XBT", "S"]
        let mark = Array((marks.randomElement(using: &random) ?? "").utf8)
        let bytes = mark + (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
        let name = ClientName(try #require(PeerID(bytes: bytes.prefix(20))))
        #expect(name?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ?? true)
        if mark.isEmpty { #expect(name == nil || bytes[0] < 0x7F) }
    }
}
