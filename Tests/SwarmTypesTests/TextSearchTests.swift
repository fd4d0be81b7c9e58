import SwarmTypes
import TestKit
import Testing

@Suite("Texts in texts")
struct TextSearchTests {
    @Test(
        "A text is found at the beginning, in the middle and at the end",
        arguments: ["not", "registered", "t r", "", "not registered"])
    func found(part: String) {
        #expect("not registered".holds(part))
        #expect("x not registered"[...].dropFirst(2).holds(part[...]))
    }

    @Test(
        "What is not there, or only in part, is not found", arguments: ["nor", "registered ", "red!", "NOT"])
    func missing(part: String) {
        #expect(!"not registered".holds(part))
        #expect(!"".holds(part))
    }

    @Test("It finds what the bytes say", arguments: 0..<200)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func text(_ length: Int) -> [UInt8] {
            (0..<length).map { _ in UInt8.random(in: 97...98, using: &random) }
        }
        let (whole, part) = (text(24), text(Int.random(in: 0...6, using: &random)))
        let expected = (0...whole.count - part.count).contains {
            Array(whole[$0...].prefix(part.count)) == part
        }
        #expect(
            String(decoding: whole, as: UTF8.self).holds(String(decoding: part, as: UTF8.self)) == expected)
    }
}
