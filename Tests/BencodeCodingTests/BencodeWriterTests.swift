import BencodeCoding
import TestKit
import Testing

@Suite("Written bencoding")
struct BencodeWriterTests {
    @Test("is canonical for numbers of every length")
    func numbers() throws {
        for value in [0, 1, 9, 10, 11, 99, 100, 101, 1_000_000_007, .max, -1, -10, .min] as [Int64] {
            var writer = BencodeWriter()
            writer.integer(value)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == "i\(value)e")
            let document = try BencodeDocument(writer.bytes)
            #expect(document.root.integer == value && document.flaws.isEmpty)
        }
    }

    @Test("keeps what stands before, and nests")
    func nesting() {
        var writer = BencodeWriter(appendingTo: Array("x".utf8))
        writer.dictionary { writer in
            writer.member("a", 1)
            writer.key("b")
            writer.dictionary { $0.member("a", "é") }
            writer.member("c", bytes: [1, 2])
            writer.key("d")
            writer.list { writer in
                writer.string("s")
                writer.raw(Array("le".utf8))
            }
        }
        #expect(writer.bytes == Array("xd1:ai1e1:bd1:a2:ée1:c2:\u{1}\u{2}1:dl1:sleee".utf8))
    }

    indirect enum Value: Hashable {
        case integer(Int64), string([UInt8]), list([Value]), dictionary([[UInt8]: Value])

        static func random(depth: Int, using random: inout SplitMix64) -> Value {
            func bytes() -> [UInt8] {
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            switch Int.random(in: 0...(depth == 0 ? 1 : 3), using: &random) {
            case 0:
                return .integer(Int64(bitPattern: random.next() >> UInt64.random(in: 0...63, using: &random)))
            case 1: return .string(bytes())
            case 2:
                return .list(
                    (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        .random(depth: depth - 1, using: &random)
                    })
            default:
                var members: [[UInt8]: Value] = [:]
                for _ in 0..<Int.random(in: 0...4, using: &random) {
                    members[bytes()] = .random(depth: depth - 1, using: &random)
                }
                return .dictionary(members)
            }
        }

        func write(to writer: inout BencodeWriter) {
            switch self {
            case .integer(let value): writer.integer(value)
            case .string(let bytes): writer.string(bytes)
            case .list(let values): writer.list { for value in values { value.write(to: &$0) } }
            case .dictionary(let members):
                writer.dictionary { writer in
                    for key in members.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                        writer.key(key)
                        members[key]?.write(to: &writer)
                    }
                }
            }
        }

        init(_ value: BencodeValue) {
            if let integer = value.integer {
                self = .integer(integer)
            } else if let bytes = value.bytes {
                self = .string(Array(bytes))
            } else if let list = value.list {
                self = .list(list.map(Value.init))
            } else {
                var members: [[UInt8]: Value] = [:]
                if let found = value.dictionary {
                    for (key, value) in found { members[Array(key)] = Value(value) }
                }
                self = .dictionary(members)
            }
        }
    }

    @Test(
        "reads back as what was written, and every cut of it is refused", arguments: 0..<300 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let value = Value.random(depth: 5, using: &random)
        var writer = BencodeWriter()
        value.write(to: &writer)
        let document = try BencodeDocument(writer.bytes)
        #expect(Value(document.root) == value && document.flaws.isEmpty)
        #expect(document.root.rawRange == writer.bytes.indices)
        for end in writer.bytes.indices {
            #expect(throws: BencodeFailure.self) { try BencodeDocument(Array(writer.bytes[..<end])) }
        }
        let longer = try BencodeDocument(prefixOf: writer.bytes[...] + [1, 2], limits: .torrentFile)
        #expect(Array(longer.rest) == [1, 2] && Value(longer.root) == value)
    }

    @Test("never traps a reader, whatever bytes come", arguments: 0..<300 as Range<UInt64>)
    func arbitraryBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let letters = Array("dlei0123:a-".utf8)
        let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
            letters[Int.random(in: letters.indices, using: &random)]
        }
        guard let document = try? BencodeDocument(prefixOf: bytes[...], limits: .message) else { return }
        let again = try BencodeDocument(Array(document.root.rawBytes))
        #expect(Value(again.root) == Value(document.root) && again.flaws == document.flaws)
    }
}
