import SwarmTypes
import TestKit
import Testing

@Suite("A peer's name")
struct PeerIDTests {
    @Test("Is twenty bytes, kept as they came", arguments: 0..<50 as Range<UInt64>)
    func bytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(try #require(PeerID(bytes: bytes)).bytes == bytes)
        for count in [0, 19, 21] { #expect(PeerID(bytes: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test("Ours begins with our mark (BEP 20) and goes on with letters and digits, another each time")
    func own() {
        var random = SplitMix64(seed: 1)
        let names = (0..<100).map { _ in PeerID.own(using: &random) }
        #expect(Set(names).count == 100)
        for name in names {
            #expect(name.bytes.starts(with: Array("-WE0100-".utf8)))
            #expect(
                String(decoding: name.bytes, as: UTF8.self).dropFirst(8).allSatisfy {
                    $0.isASCII && ($0.isLetter || $0.isNumber)
                })
        }
    }
}
