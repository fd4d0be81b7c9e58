import Foundation
import JSONScanning
import TestKit
import Testing

@Suite struct JSONTokenizerTests {
    @Test(
        "Random texts read as Foundation reads them, wherever they are cut",
        arguments: 0..<400 as Range<UInt64>)
    func agreesWithFoundation(seed: UInt64) throws {
        var generator = RandomJSON(seed: seed)
        let text = generator.value()
        let expected = try JSONDecoder().decode(Reference.self, from: Data(text.utf8)).tree
        #expect(try tree(of: text) == expected)
        #expect(try tree(of: text, cutAt: everyByte(of: Array(text.utf8))) == expected)
        for _ in 0..<5 {
            let cuts = someCuts(of: Array(text.utf8), using: &generator.random)
            #expect(try tree(of: text, cutAt: cuts) == expected)
        }
    }

    @Test("What Foundation refuses is refused, what it takes is taken", arguments: 0..<400 as Range<UInt64>)
    func refusesAsFoundation(seed: UInt64) {
        var generator = RandomJSON(seed: seed)
        let text = Array(generator.value().utf8)
        let alphabet = Array("{}[]\",:\\ \n019-+.eEtfnu\u{01}x".utf8)
        for _ in 0..<20 {
            var broken = text
            let place = Int.random(in: 0..<broken.count, using: &generator.random)
            let byte = alphabet.randomElement(using: &generator.random) ?? 0
            switch Int.random(in: 0...2, using: &generator.random) {
            case 0: broken[place] = byte
            case 1: broken.insert(byte, at: place)
            default: broken.remove(at: place)
            }
            // Foundation refuses lone surrogates, broken UTF-8 and numbers beyond Double; we do not.
            guard let string = String(validating: broken, as: UTF8.self), !string.contains("\\u") else {
                continue
            }
            let isTaken = (try? JSONDecoder().decode(Reference.self, from: Data(broken))) != nil
            let isTakenByUs = (try? tokens(of: broken)) != nil
            if isTaken != isTakenByUs, string.contains(where: { $0 == "e" || $0 == "E" }) { continue }
            #expect(isTaken == isTakenByUs, "\(string)")
        }
    }

    @Test(
        "A refusal names the same reason and place wherever the text is cut",
        arguments: [
            ("", JSONFailure.Reason.endOfInput, 0), ("  ", .endOfInput, 2), ("[1", .endOfInput, 2),
            ("{\"a\":", .endOfInput, 5), ("\"abc", .endOfInput, 4), ("-", .endOfInput, 1),
            ("1.", .endOfInput, 2),
            ("tru", .endOfInput, 3), ("[1,]", .unexpectedByte(0x5D), 3), ("[,1]", .unexpectedByte(0x2C), 1),
            ("{\"a\" 1}", .unexpectedByte(0x31), 5), ("{1:2}", .unexpectedByte(0x31), 1),
            ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("[1}", .unexpectedByte(0x7D), 2),
            ("{\"a\":1]", .unexpectedByte(0x5D), 6), ("01", .bytesAfterDocument(0x31), 1),
            ("[01]", .unexpectedByte(0x31), 2), ("[1x]", .unexpectedByte(0x78), 2),
            ("[.5]", .unexpectedByte(0x2E), 1),
            ("[1.e2]", .unexpectedByte(0x65), 3), ("[+1]", .unexpectedByte(0x2B), 1),
            ("[1e]", .unexpectedByte(0x5D), 3),
            ("[trux]", .unexpectedByte(0x78), 4), ("[\"\\x\"]", .invalidEscape(0x78), 3),
            ("[\"\\u12g4\"]", .invalidEscape(0x67), 6), ("[\"a\u{1}\"]", .controlCharacterInText(1), 3),
            ("{} {}", .bytesAfterDocument(0x7B), 3), ("[]]", .bytesAfterDocument(0x5D), 2),
            ("<!DOCTYPE html>", .unexpectedByte(0x3C), 0), ("\u{FEFF}[]", .unexpectedByte(0xEF), 0),
            ("[\u{0B}1]", .unexpectedByte(0x0B), 1),
        ])
    func refusals(text: String, reason: JSONFailure.Reason, offset: Int) {
        let expected = JSONFailure(reason, offset: offset)
        let bytes = Array(text.utf8)
        #expect(throws: expected) { try tokens(of: bytes) }
        #expect(throws: expected) { try tokens(of: bytes, cutAt: everyByte(of: bytes)) }
    }

    @Test("Nesting is refused where the limit is passed, and is never recursion")
    func depth() throws {
        let limits = JSONLimits(depth: 3)
        #expect(throws: Never.self) { try tokens(of: Array("[[{}]]".utf8), limits: limits) }
        #expect(throws: JSONFailure(.nestedTooDeep(limit: 3), offset: 3)) {
            try tokens(of: Array("[[[[".utf8), limits: limits)
        }
        #expect(throws: JSONFailure(.nestedTooDeep(limit: 64), offset: 64)) {
            try tokens(of: Array(repeating: UInt8(ascii: "["), count: 1_000_000))
        }
    }

    @Test(
        "Surrogate pairs join, lone halves become U+FFFD, wherever they are cut",
        arguments: [
            ("\\ud83d\\ude00", "😀"), ("\\ud83d", "\u{FFFD}"), ("\\ude00", "\u{FFFD}"),
            ("\\ud83dx", "\u{FFFD}x"), ("\\ud83d\\n", "\u{FFFD}\n"), ("\\ud83d\\u0041", "\u{FFFD}A"),
            ("\\ud83d\\ud83d\\ude00", "\u{FFFD}😀"), ("\\ude00\\ud83d", "\u{FFFD}\u{FFFD}"),
            ("a\\ud83d\\ud83d", "a\u{FFFD}\u{FFFD}"),
        ])
    func surrogates(escaped: String, expected: String) throws {
        let text = "\"\(escaped)\""
        #expect(try tree(of: text) == .text(expected))
        for cut in 0...text.utf8.count { #expect(try tree(of: text, cutAt: [cut]) == .text(expected)) }
    }

    @Test(
        "What is skipped is still held to the grammar",
        arguments: [
            "{\"a\":[1,{\"b\":tru}]}", "{\"a\":\"\\q\"}", "{\"a\":{\"b\" 1}}", "{\"a\":01}", "{\"a\":[1 2]}",
        ])
    func skippedIsChecked(text: String) {
        #expect(throws: JSONFailure.self) {
            var tokenizer = JSONTokenizer()
            let bytes = Array(text.utf8)
            var position = 0
            while let token = try tokenizer.next(in: bytes.span, from: &position) {
                if token == .key { tokenizer.skipValue() }
            }
            _ = try tokenizer.finish()
        }
    }
}

/// Foundation's reading of a text, brought into our form.
private struct Reference: Decodable {
    var tree: Tree

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Name.self) {
            var members: [String: Tree] = [:]
            for key in container.allKeys {
                members[key.stringValue] = try container.decode(Reference.self, forKey: key).tree
            }
            self.tree = .object(members)
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var elements: [Tree] = []
            while !container.isAtEnd { elements.append(try container.decode(Reference.self).tree) }
            self.tree = .array(elements)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self.tree = .null
        } else if let bool = try? container.decode(Bool.self) {
            self.tree = .bool(bool)
        } else if let text = try? container.decode(String.self) {
            self.tree = .text(text)
        } else {
            let number = try container.decode(Double.self)
            self.tree = .number(Int64(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max))
        }
    }
}
