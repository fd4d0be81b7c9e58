import JSONScanning
import TestKit
import Testing

@Suite struct JSONNumberTests {
    @Test(
        "Every spelling has its exact value, cut off towards zero and clamped",
        arguments: [
            ("0", 0), ("-0", 0), ("0.0", 0), ("7", 7), ("-7", -7), ("1.999", 1), ("-1.999", -1), ("0.999", 0),
            ("1e3", 1000), ("1E+3", 1000), ("1.5e1", 15), ("12345e-2", 123), ("-12345e-2", -123),
            ("0e999999999", 0),
            ("0.000000000000000000000000012e25", 0), ("0.000000000000000000000000012e27", 12),
            ("9223372036854775807", Int64.max), ("9223372036854775808", Int64.max),
            ("-9223372036854775808", Int64.min), ("-9223372036854775809", Int64.min),
            ("9223372036854775806.999", Int64.max - 1), ("12345678901234567890123", Int64.max),
            ("1e400", Int64.max), ("-1e400", Int64.min), ("1e-400", 0),
            ("10000000000000000000000000000e-28", 1), ("1e99999999999999999999999999999999", Int64.max),
            ("922337203685477580.7999e1", 9_223_372_036_854_775_807),
        ])
    func values(text: String, expected: Int64) throws {
        for cut in 0...text.utf8.count {
            #expect(try tree(of: text, cutAt: [cut]) == .number(expected))
            #expect(try tree(of: "[\(text)]", cutAt: [cut]) == .array([.number(expected)]))
        }
    }

    @Test("A number of a million digits costs no memory and is clamped")
    func longNumber() throws {
        #expect(try tree(of: String(repeating: "9", count: 1_000_000)) == .number(.max))
        #expect(try tree(of: "0." + String(repeating: "9", count: 1_000_000)) == .number(0))
    }

    @Test("Every Int64 comes back as it was written", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let number = Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random)
            #expect(try tree(of: "\(number)") == .number(number))
        }
    }
}
