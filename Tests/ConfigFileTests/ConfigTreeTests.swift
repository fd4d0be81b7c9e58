import TestKit
import Testing

@testable import ConfigFile

private func parse(_ text: String, limits: ConfigLimits = ConfigLimits()) throws(ConfigProblem) -> ConfigNode?
{
    try parseConfig(Array(text.utf8), fileName: "f.yaml", limits: limits)
}

private func problem(_ text: String, limits: ConfigLimits = ConfigLimits()) -> ConfigProblem? {
    do {
        _ = try parse(text, limits: limits)
        return nil
    } catch {
        return error
    }
}

private func place(_ line: Int, _ column: Int) -> ConfigProblem.Place {
    .file(name: "f.yaml", position: ConfigPosition(line: line, column: column))
}

@Suite("A configuration text")
struct ConfigTreeTests {
    @Test("becomes a tree in the order of the text, each value with its line and column")
    func positions() throws {
        let root = try #require(try parse("# note\nb: 1\na:\n  - 'x'\n  - {é: ü, k: v}\n"))
        guard case .mapping(let entries) = root.content else {
            Issue.record("not a mapping")
            return
        }
        #expect(entries.map(\.key) == ["b", "a"])
        #expect(
            entries[0].value
                == ConfigNode(.scalar(.init(text: "1", isQuoted: false)), at: .init(line: 2, column: 4)))
        #expect(entries[1].keyPosition == ConfigPosition(line: 3, column: 1))
        guard case .sequence(let items) = entries[1].value.content,
            case .mapping(let inner) = items[1].content
        else {
            Issue.record("not a list with a mapping")
            return
        }
        #expect(items[0].content == .scalar(ConfigScalar(text: "x", isQuoted: true)))
        #expect(inner.map(\.value.position) == [.init(line: 5, column: 9), .init(line: 5, column: 15)])
    }

    @Test("without content is no tree", arguments: ["", "\n\n", "# only a comment\n", "\u{FEFF}"])
    func empty(text: String) throws {
        #expect(try parse(text) == nil)
    }

    @Test("may begin with a byte order mark")
    func byteOrderMark() throws {
        #expect(try parse("\u{FEFF}a: 1") == parse("a: 1"))
    }

    @Test(
        "that is wrong is refused with its place",
        arguments: [
            ("a: 1\n b: 2\n", ConfigProblem.Kind.syntax, 2, 3),
            ("a:\n\tb: 1\n", .syntax, 2, 1),
            ("a: [1, 2\n", .syntax, 2, 1),
            ("a: \"open\n", .syntax, 2, 1),
            ("a: 1\nb: 2\na: 3\n", .duplicateKey, 3, 1),
            ("a: 1\n---\nb: 2\n", .unsupported, 2, 1),
            ("a: !!binary aGk=\n", .unsupported, 1, 4),
            ("[a, b]: 1\n", .unsupported, 1, 1),
            ("{a: 1}: 2\n", .unsupported, 1, 1),
            ("a: *nobody\n", .syntax, 1, 4),
            ("a: \u{1}\n", .syntax, 1, 4),
            ("x: 1\né: b\u{7}\n", .syntax, 2, 5),
        ])
    func refused(text: String, kind: ConfigProblem.Kind, line: Int, column: Int) {
        let found = problem(text)
        #expect(found?.kind == kind)
        #expect(found?.place == place(line, column))
        #expect(found?.message.isEmpty == false)
    }

    @Test("that is not UTF-8 is refused with the place of the byte")
    func encoding() {
        for bytes: [UInt8] in [
            [0x61, 0x0A, 0x62, 0xFF], [0x61, 0x0A, 0x62, 0xE2, 0x82], [0x61, 0x0A, 0x62, 0xC0, 0x80],
        ] {
            #expect(throws: ConfigProblem.self) { try parseConfig(bytes, fileName: "f.yaml") }
            do {
                _ = try parseConfig(bytes, fileName: "f.yaml")
            } catch {
                #expect(error.kind == .notText)
                #expect(error.place == place(2, 2))
            }
        }
        #expect(problem(String(decoding: [0x61, 0x3A, 0x20] as [UInt8], as: UTF8.self)) == nil)
        #expect(throws: ConfigProblem.self) {
            try parseConfig([0xFF, 0xFE, 0x61, 0x00] as [UInt8], fileName: "f")
        }
    }

    @Test("too deep, too long or with too many values is refused")
    func limits() {
        var limits = ConfigLimits()
        limits.depth = 4
        #expect(problem("[[[[1]]]]", limits: limits) == nil)
        #expect(problem("[[[[[1]]]]]", limits: limits)?.kind == .tooDeep)
        #expect(problem(String(repeating: "[", count: 500_000))?.kind == .tooDeep)
        #expect(problem(String(repeating: "{a: ", count: 200_000))?.kind == .tooDeep)
        #expect(problem(String(repeating: "- ", count: 400_000))?.kind == .tooDeep)
        limits.nodes = 10
        #expect(problem("[1,2,3,4,5,6,7,8,9]", limits: limits) == nil)
        #expect(problem("[1,2,3,4,5,6,7,8,9,10]", limits: limits)?.kind == .tooLarge)
        limits.bytes = 5
        #expect(problem("a: 123", limits: limits)?.kind == .tooLarge)
        #expect(problem("[" + String(repeating: "1,", count: 200_000) + "1]")?.kind == .tooLarge)
    }

    @Test("may repeat a value by its anchor, which counts each time")
    func aliases() throws {
        #expect(try parse("a: &x [1, 2]\nb: *x\n") != nil)
        var limits = ConfigLimits()
        limits.nodes = 9
        #expect(problem("[&x [1, 2], *x]", limits: limits) == nil)
        limits.nodes = 20
        #expect(problem("[&x '\(String(repeating: "t", count: 640))']", limits: limits) == nil)
        #expect(
            problem("[&x '\(String(repeating: "t", count: 640))', *x]", limits: limits)?.kind == .tooLarge)
        limits.nodes = 6
        #expect(problem("[&x [1, 2], *x]", limits: limits)?.kind == .tooLarge)
        limits.depth = 3
        #expect(problem("[&x [1], [*x]]", limits: limits) == nil)
        #expect(problem("[&x [1], [[*x]]]", limits: limits)?.kind == .tooDeep)
    }

    @Test("cannot grow into a large tree by anchors of anchors")
    func billionLaughs() {
        var text = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...20 {
            text +=
                "- &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(problem(text)?.kind == .tooLarge)
    }

    @Test("may take the keys of another group by <<, of which its own win")
    func merging() throws {
        let merged = try #require(
            try parse("- &base {a: 1, b: 2}\n- <<: *base\n  b: 3\n- <<: [*base, {c: 4}]\n"))
        guard case .sequence(let items) = merged.content else {
            Issue.record("not a list")
            return
        }
        func pairs(_ node: ConfigNode) -> [String] {
            guard case .mapping(let entries) = node.content else { return [] }
            return entries.compactMap { entry in
                guard case .scalar(let scalar) = entry.value.content else { return nil }
                return "\(entry.key)=\(scalar.text)"
            }
        }
        #expect(pairs(items[1]) == ["b=3", "a=1"])
        #expect(pairs(items[2]) == ["a=1", "b=2", "c=4"])
        #expect(problem("- <<: 1\n")?.kind == .wrongType)
    }

    @Test("of any bytes is a tree or a problem, never a trap", arguments: 0..<200)
    func anyBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array(" \n\t:-[]{},&*!|>'\"%@`#?a1é~<\\\0\u{FEFF}".utf8)
        for _ in 0..<20 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                Int.random(in: 0..<20, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random) ?? 0
            }
            do {
                _ = try parseConfig(bytes, fileName: "f")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test("cut at any byte is a tree or a problem")
    func everyCut() {
        let bytes = Array("a: &x [1, 'två', \"\\u00e5\"]\nb: {c: *x, d: |\n  text\n}\n# end\n".utf8)
        for end in 0...bytes.count {
            do {
                _ = try parseConfig(bytes.prefix(end), fileName: "f")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
