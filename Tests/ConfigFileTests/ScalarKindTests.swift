import TestKit
import Testing

@testable import ConfigFile

private func value<Value>(_ kind: ScalarKind<Value>, _ text: String) -> Value? {
    switch kind.read(text) {
    case .value(let value), .doubtful(let value, _): value
    case .refused, .refusedSecret: nil
    }
}

@Suite("A single value")
struct ScalarKindTests {
    @Test(
        "as a whole number",
        arguments: [
            ("0", 0), ("42", 42), ("+42", 42), ("-42", -42), ("10_485_760", 10_485_760), ("0x1F", 31),
            ("300.0", 300),
            ("300.", 300), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
        ] as [(String, Int64)])
    func whole(text: String, number: Int64) {
        #expect(wholeNumber(text) == number)
    }

    @Test(
        "that is no whole number",
        arguments: [
            "", "-", "+", "x", "1.5", ".0", "010", "1e3", "0x", "0xg", "1__", "_1", "--1", "+-1", "0x-1",
            "1 000",
            "1,000", "9223372036854775808", "٣", "1:30", "0b1", "99999999999999999999999999", "NaN", "1.0e2",
        ])
    func notWhole(text: String) {
        #expect(wholeNumber(text) == nil)
    }

    @Test("outside its range is refused")
    func range() {
        #expect(value(.integer(1...10), "10") == 10)
        #expect(value(.integer(1...10), "11") == nil)
        #expect(value(.integer(1...10), "0") == nil)
        #expect(value(.decimal(0.05...1), "0.05") == 0.05)
        #expect(value(.decimal(0.05...1), "0.04") == nil)
        #expect(value(.decimal(0...1), "-0.5") == nil)
    }

    @Test(
        "as a decimal number",
        arguments: [("0.2", 0.2), (".5", 0.5), ("1", 1), ("2e-1", 0.2), ("1_0.5", 10.5)])
    func decimal(text: String, number: Double) {
        #expect(decimalNumber(text) == number)
    }

    @Test(
        "that is no decimal number",
        arguments: ["", ".", "nan", "inf", "0x1p3", "1,5", "1e999", "e", "1.2.3", " 1"])
    func notDecimal(text: String) {
        #expect(decimalNumber(text) == nil)
    }

    @Test(
        "as true or false",
        arguments: [
            ("true", true), ("Yes", true), ("ON", true), ("1", true), ("false", false), ("no", false),
            ("off", false),
            ("0", false), ("maybe", nil), ("", nil), ("2", nil),
        ] as [(String, Bool?)])
    func boolean(text: String, expected: Bool?) {
        #expect(value(.boolean(), text) == expected)
    }

    @Test(
        "as a time",
        arguments: [
            ("300", 300), ("90s", 90), ("5m", 300), ("1h", 3600), ("1d", 86400), ("5 m", nil), ("m", nil),
            ("1.5m", nil), ("9223372036854775807d", nil),
        ]
            as [(String, Int?)])
    func seconds(text: String, expected: Int?) {
        #expect(value(.seconds(1...86400), text) == expected)
    }

    @Test(
        "as a rate",
        arguments: [
            ("10485760", 10_485_760), ("10 MiB/s", 10_485_760), ("10MiB", 10_485_760), ("10MB", 10_000_000),
            ("500k", 500_000), ("500 kB/s", 500_000), ("1.5 MiB/s", 1_572_864), ("1 GiB", 1_073_741_824),
            ("2Mbit/s", 250_000), ("8 kbit/s", 1000), ("7B", 7), ("1Ki", 1024), ("-1", -1), ("0", 0),
            ("10Mb", nil),
            ("10mb", nil), ("10 m", nil), ("ten", nil), ("MB", nil), ("", nil), ("10 MB/h", nil),
            ("1e3", nil),
            ("99999999999999999999 GB", nil), ("-5MB", nil),
        ] as [(String, Int64?)])
    func rate(text: String, expected: Int64?) {
        #expect(bytesPerSecond(text) == expected)
    }

    @Test("of any text is a value or refused, never a trap", arguments: 0..<200)
    func anyText(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("0123456789._-+exkKMGiBbit/s ٣é\u{301}")
        for _ in 0..<50 {
            let text = String(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? "0"
                })
            if let number = value(.integer(-5...5), text) { #expect((-5...5).contains(number)) }
            if let number = value(.decimal(0...1), text) { #expect((0...1).contains(number)) }
            if let rate = value(.rate(), text) { #expect(rate > 0) }
            if let time = value(.seconds(1...9), text) { #expect((1...9).contains(time)) }
        }
    }

    @Test("that cannot be read is told what is allowed, and never shows control characters or a whole novel")
    func shownText() {
        #expect(shown("a\u{1B}[31m\"\u{202E}") == #""a\u{1b}[31m\"\u{202e}""#)
        #expect(shown(String(repeating: "x", count: 1000)).count == 63)
    }
}
