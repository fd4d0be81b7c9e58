import Foundation
import SwarmTypes
import TestKit
import Testing

@testable import JSONValues

private func read(_ text: String) throws(JSONFailure) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

@Suite("JSON reader")
struct JSONReaderTests {
    @Test(
        "Values are read as they were meant",
        arguments: [
            ("null", JSONValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
            ("-7", .integer(-7)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.0", .number(1)),
            ("-0.5e-2", .number(-0.005)),
            ("1E+2", .number(100)), (#""""#, .string("")),
            (#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀""#, .string("a\"\\/\u{8}\u{C}\n\r\té😀é😀")),
            ("[]", .array([])), ("{}", .object([])),
            (
                "[1,[2],{\"a\":[]}]",
                .array([.integer(1), .array([.integer(2)]), .object([.init("a", .array([]))])])
            ),
            ("{ \"b\" : 1 , \"a\" : 2 }", .object([.init("b", .integer(1)), .init("a", .integer(2))])),
        ])
    func values(text: String, expected: JSONValue) throws {
        #expect(try read(text) == expected)
    }

    @Test(
        "What is not JSON is refused, with the place",
        arguments: [
            ("", JSONFailure.Reason.endOfInput, 0), ("{", .endOfInput, 1), ("[1,", .endOfInput, 3),
            ("nul", .endOfInput, 3),
            ("nulx", .unexpectedByte(120), 3), ("[1,]", .unexpectedByte(93), 3),
            ("{\"a\":1,}", .unexpectedByte(125), 7),
            ("{a:1}", .unexpectedByte(97), 1), ("{\"a\" 1}", .unexpectedByte(49), 5),
            ("'a'", .unexpectedByte(39), 0),
            ("01", .trailingBytes, 1), ("1 2", .trailingBytes, 2), ("-", .endOfInput, 1),
            ("-x", .badNumber, 0), ("1.", .badNumber, 0),
            (".5", .unexpectedByte(46), 0), ("1e", .badNumber, 0), ("+1", .unexpectedByte(43), 0),
            ("1e999", .badNumber, 0),
            ("NaN", .unexpectedByte(78), 0), ("\"\u{1}\"", .badString, 0), ("\"\\x\"", .badString, 0),
            ("\"\\ud800\"", .badString, 0),
            ("\"\\ud800\\u0041\"", .badString, 0), ("\"\\udc00\"", .badString, 0),
            ("\"\\u12g4\"", .badString, 0), ("\"a", .endOfInput, 2),
            ("{\"a\":1,\"a\":2}", .repeatedName("a"), 10),
            ("{\"a\":1,\"\\u0061\":2}", .repeatedName("a"), 15),
        ])
    func malformed(text: String, reason: JSONFailure.Reason, offset: Int) {
        #expect(throws: JSONFailure(reason: reason, offset: offset)) { try read(text) }
    }

    @Test("Bytes that are not UTF-8 are refused in a string and outside")
    func notUTF8() {
        for bytes in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0xEF, 0xBB, 0xBF, 0x31],
        ] as [[UInt8]] {
            #expect(throws: JSONFailure.self) { try JSONReader.read(bytes) }
        }
    }

    @Test("Nesting is bounded, also when it is all there is")
    func depth() {
        let limit = 16
        #expect(throws: Never.self) {
            try read(String(repeating: "[", count: limit + 1) + String(repeating: "]", count: limit + 1))
        }
        for opening in ["[", "{\"a\":"] {
            #expect(throws: JSONFailure.self) { try read(String(repeating: opening, count: 10_000)) }
        }
    }

    @Test("Every cut of a text is refused, and what is written is read back", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let value = JSONValue.object([.init("value", someValue(depth: 0, using: &random))])
        var writer = JSONWriter()
        writer.value(value)
        #expect(try JSONReader.read(writer.bytes) == value)
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(writer.bytes)) }
        for length in 0..<writer.bytes.count {
            #expect(throws: JSONFailure.self) { try JSONReader.read(Array(writer.bytes.prefix(length))) }
        }
    }

    private func someValue(depth: Int, using random: inout SplitMix64) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: return .number(Double.random(in: -1...1, using: &random) + 0.1)
        case 4, 5:
            let scalars = ["a", "\"", "\\", "\n", "\u{0}", "\u{7F}", "é", "😀", "\u{2028}", "/"]
            return .string(
                (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    scalars.randomElement(using: &random) ?? ""
                }.joined())
        case 6:
            return .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    someValue(depth: depth + 1, using: &random)
                })
        default:
            return .object(
                (0..<Int.random(in: 0...3, using: &random)).map {
                    .init("k\($0)", someValue(depth: depth + 1, using: &random))
                })
        }
    }

    @Test("Infinity and not-a-number are written as null")
    func notFinite() {
        var writer = JSONWriter()
        writer.array { for value in [Double.infinity, -.infinity, .nan, 0.5] { $0.number(value) } }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[null,null,null,0.5]")
    }
}
