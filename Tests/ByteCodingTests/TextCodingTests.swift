import ByteCoding
import TestKit
import Testing

private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

@Suite("Text forms of bytes")
struct TextCodingTests {
    @Test(
        "Base32 reads the vectors of RFC 4648 without their padding, in either case",
        arguments: [
            ("", ""), ("MY", "f"), ("MZXQ", "fo"), ("MZXW6", "foo"), ("MZXW6YQ", "foob"),
            ("MZXW6YTB", "fooba"),
            ("MZXW6YTBOI", "foobar"), ("mzxw6ytboi", "foobar"), ("mZxW6yTbOi", "foobar"),
        ])
    func base32(encoded: String, decoded: String) {
        #expect(text(base32Decoded(encoded.utf8)) == decoded)
    }

    @Test(
        "Base32 refuses other lengths, other bytes and spare bits",
        arguments: ["M", "MZX", "MZXW6Y", "MZ", "M1", "M8", "M=", "M Y", "MZXW6YTBO", "M\u{e9}"])
    func badBase32(encoded: String) { #expect(base32Decoded(encoded.utf8) == nil) }

    @Test("Base32 is read back from what a plain encoder writes", arguments: 0..<200 as Range<UInt64>)
    func base32RoundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        while !bits.count.isMultiple(of: 5) { bits.append(0) }
        let encoded = stride(from: 0, to: bits.count, by: 5).map { start in
            alphabet[Int(bits[start..<start + 5].reduce(0) { $0 << 1 | $1 })]
        }
        #expect(base32Decoded(encoded) == bytes)
        #expect(hexDecoded(hexEncoded(bytes).utf8) == bytes)
        #expect(percentDecoded(percentEncoded(bytes)) == bytes)
        #expect(percentDecoded(percentEncoded(bytes), plusIsSpace: true) == bytes)
    }

    @Test("Hexadecimal digits come in pairs")
    func hexadecimal() {
        #expect(hexDecoded("00fFA5".utf8) == [0, 255, 0xA5])
        #expect(hexEncoded([0, 255, 0xA5]) == "00ffa5")
        for bad in ["0", "0g", "0x", "000", " 0"] { #expect(hexDecoded(bad.utf8) == nil) }
    }

    @Test("Percent coding is undone once, and a broken escape is refused")
    func percent() {
        #expect(text(percentDecoded("a%20b%2fc+d".utf8)) == "a b/c+d")
        #expect(text(percentDecoded("a+b%2Bc".utf8, plusIsSpace: true)) == "a b+c")
        #expect(text(percentDecoded("%2525".utf8)) == "%25")
        for bad in ["%", "%1", "a%zz", "%2"] { #expect(percentDecoded(bad.utf8) == nil) }
        #expect(text(percentEncoded("a b/ü~".utf8)) == "a%20b%2F%C3%BC~")
        #expect(text(percentEncoded("a b/c:d".utf8, keeping: "/:")) == "a%20b/c:d")
    }
}
