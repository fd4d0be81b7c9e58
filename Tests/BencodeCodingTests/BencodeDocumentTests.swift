import BencodeCoding
import TestKit
import Testing

private func decode(_ text: String) throws(BencodeFailure) -> BencodeDocument {
    try BencodeDocument(Array(text.utf8))
}

private func failure(_ text: String, limits: BencodeLimits = .torrentFile) -> BencodeFailure? {
    do throws(BencodeFailure) {
        _ = try BencodeDocument(Array(text.utf8), limits: limits)
        return nil
    } catch {
        return error
    }
}

@Suite("A bencoded document")
struct BencodeDocumentTests {
    @Test(
        "Integers are read in the whole range of 64 bits",
        arguments: [
            ("i0e", 0), ("i3e", 3), ("i-3e", -3), ("i9223372036854775807e", Int64.max),
            ("i-9223372036854775808e", Int64.min),
        ])
    func integers(text: String, value: Int64) throws {
        let document = try decode(text)
        #expect(document.root.integer == value)
        #expect(document.root.kind == .integer)
        #expect(document.flaws.isEmpty)
    }

    @Test("The examples of BEP 3 and BEP 52 mean what these say")
    func examples() throws {
        #expect(try decode("4:spam").root.text == "spam")
        #expect(try decode("l4:spam4:eggse").root.list?.compactMap(\.text) == ["spam", "eggs"])
        let cow = try decode("d3:cow3:moo4:spam4:eggse").root
        #expect(cow["cow"]?.text == "moo" && cow["spam"]?.text == "eggs" && cow["sow"] == nil)
        #expect(try decode("d4:spaml1:a1:bee").root["spam"]?.list?.compactMap(\.text) == ["a", "b"])
    }

    @Test("A value asked for a kind that it is not answers nil")
    func otherKinds() throws {
        let list = try decode("li1e1:aded0:0:ee").root
        #expect(list.integer == nil && list.bytes == nil && list.dictionary == nil && list["a"] == nil)
        let values = try #require(list.list.map(Array.init))
        #expect(values.map(\.kind) == [.integer, .string, .dictionary, .dictionary])
        #expect(values[0].list == nil && values[1].integer == nil && values[2].bytes == nil)
        #expect(values[2].dictionary?.isEmpty == true && values[3].dictionary?.isEmpty == false)
        #expect(values[3][""]?.bytes?.isEmpty == true)
    }

    @Test("Raw ranges are the bytes as they were written")
    func rawRanges() throws {
        let text = "d1:ad2:bbi007e1:cl1:xee3:intl0:ee"
        let root = try decode(text).root
        func raw(_ value: BencodeValue?) -> String { String(decoding: value?.rawBytes ?? [], as: UTF8.self) }
        #expect(raw(root) == text)
        #expect(raw(root["a"]) == "d2:bbi007e1:cl1:xee")
        #expect(raw(root["a"]?["bb"]) == "i007e" && root["a"]?["bb"]?.integer == 7)
        #expect(raw(root["a"]?["c"]) == "l1:xe" && raw(root["int"]) == "l0:e")
    }

    @Test("A slice is decoded in its own indices")
    func slices() throws {
        let bytes = Array("xxd1:ai5ee".utf8)
        let document = try BencodeDocument(bytes[2...], limits: .message)
        #expect(document.root["a"]?.rawRange == 6..<9)
        #expect(document.root["a"]?.integer == 5)
        #expect(document.root.rawRange == 2..<10)
    }

    @Test("What follows a value can be had, as behind a ut_metadata message (BEP 9)")
    func prefix() throws {
        let bytes = Array("d8:msg_typei1ee".utf8) + [0, 1, 2]
        let document = try BencodeDocument(prefixOf: bytes[...], limits: .message)
        #expect(document.byteCount == 15 && Array(document.rest) == [0, 1, 2])
        #expect(throws: BencodeFailure(.trailingBytes(count: 3), offset: 15)) { try BencodeDocument(bytes) }
    }

    @Test(
        "What is no bencoding is refused at its place",
        arguments: [
            ("", .endOfInput, 0), ("i", .endOfInput, 1), ("i-", .endOfInput, 2), ("i1", .endOfInput, 2),
            ("ie", .unexpectedByte(101), 1), ("i-e", .unexpectedByte(101), 2),
            ("i1.5e", .unexpectedByte(46), 2),
            ("i--1e", .unexpectedByte(45), 2), ("i+1e", .unexpectedByte(43), 1),
            ("i9223372036854775808e", .integerTooLarge, 0),
            ("i-9223372036854775809e", .integerTooLarge, 0),
            ("i99999999999999999999999999e", .integerTooLarge, 0),
            ("-1:a", .unexpectedByte(45), 0), ("5", .endOfInput, 1), ("5a", .unexpectedByte(97), 1),
            ("5:abc", .lengthBeyondInput(declared: 5, available: 3), 0),
            ("99999999999:a", .lengthTooLarge, 0), ("18446744073709551617:a", .lengthTooLarge, 0),
            ("e", .unexpectedByte(101), 0), ("x", .unexpectedByte(120), 0),
            ("l", .endOfInput, 1), ("li1e", .endOfInput, 4), ("d", .endOfInput, 1),
            ("d1:ae", .unexpectedByte(101), 4),
            ("di1e1:ae", .unexpectedByte(105), 1), ("dlei1ee", .unexpectedByte(108), 1),
            ("d1:a", .endOfInput, 4), ("i1ei2e", .trailingBytes(count: 3), 3),
            ("le ", .trailingBytes(count: 1), 2),
        ] as [(String, BencodeFailure.Reason, Int)])
    func refusals(text: String, reason: BencodeFailure.Reason, offset: Int) {
        #expect(failure(text) == BencodeFailure(reason, offset: offset))
    }

    @Test("Nesting is bounded, however deep the input is, and costs no stack")
    func depth() {
        let open = String(repeating: "l", count: 100), close = String(repeating: "e", count: 100)
        #expect(failure(open + close) == nil)
        #expect(failure("l" + open + close + "e") == BencodeFailure(.nestedTooDeep(limit: 100), offset: 100))
        #expect(
            failure(String(repeating: "d1:a", count: 1_000_000))
                == BencodeFailure(.nestedTooDeep(limit: 100), offset: 400))
    }

    @Test("Values and bytes are counted")
    func counts() {
        let limits = BencodeLimits(byteCount: 8, tokenCount: 4)
        #expect(failure("li1ee", limits: limits) == nil)
        #expect(failure("l0:0:e", limits: limits) == nil)
        #expect(
            failure("l0:0:0:e", limits: limits) == BencodeFailure(.tooManyTokens(limit: 4), offset: 7))
        #expect(
            failure("9:123456789", limits: limits)
                == BencodeFailure(.inputTooLong(count: 11, limit: 8), offset: 0))
    }

    @Test(
        "What is not canonical is read and named",
        arguments: [
            ("i03e", .overlongNumber), ("i-0e", .overlongNumber), ("i00e", .overlongNumber),
            ("03:abc", .overlongNumber),
            ("d1:b0:1:a0:e", .unsortedKeys), ("d1:a0:1:a0:e", .duplicateKeys),
            ("d1:b0:1:a0:1:b0:e", [.unsortedKeys, .duplicateKeys]),
            ("d2:aa0:1:a0:e", .unsortedKeys), ("d1:a0:2:aa0:e", []), ("d0:0:1:\00:e", []),
            ("ld1:bi00e1:a0:ee", [.unsortedKeys, .overlongNumber]),
            ("d9:abcdefghz0:9:abcdefgha0:9:abcdefghz0:e", [.unsortedKeys, .duplicateKeys]),
            ("d2:ab0:1:a0:3:ab\00:e", .unsortedKeys),
        ] as [(String, BencodeFlaws)])
    func flaws(text: String, flaws: BencodeFlaws) throws {
        #expect(try decode(text).flaws == flaws)
    }

    @Test("Of a key that comes twice the first counts")
    func firstKey() throws {
        #expect(try decode("d1:ai1e1:ai2ee").root["a"]?.integer == 1)
    }
}
