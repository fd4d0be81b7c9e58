import BencodeCoding
import Digests
import MetainfoCoding

/// Bencoding as a test writes it: also with keys out of order, twice, and numbers as they are spelled.
indirect enum Bencoded: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    case raw([UInt8])
    case list([Bencoded])
    case dictionary([(key: [UInt8], value: Bencoded)])

    init(integerLiteral value: Int64) { self = .raw(Array("i\(value)e".utf8)) }

    init(stringLiteral value: String) { self = .bytes(Array(value.utf8)) }

    init(arrayLiteral elements: Bencoded...) { self = .list(elements) }

    init(dictionaryLiteral elements: (String, Bencoded)...) {
        self = .dictionary(elements.map { (Array($0.0.utf8), $0.1) })
    }

    static func bytes(_ bytes: [UInt8]) -> Bencoded { .raw(Array("\(bytes.count):".utf8) + bytes) }

    static func integer(_ value: Int64) -> Bencoded { .init(integerLiteral: value) }

    var bytes: [UInt8] {
        switch self {
        case .raw(let bytes): bytes
        case .list(let values): [UInt8(ascii: "l")] + values.flatMap(\.bytes) + [UInt8(ascii: "e")]
        case .dictionary(let members):
            [UInt8(ascii: "d")] + members.flatMap { Bencoded.bytes($0.key).bytes + $0.value.bytes }
                + [UInt8(ascii: "e")]
        }
    }

    /// The same with a member set, removed or added, keys in the order of their bytes.
    func with(_ key: String, _ value: Bencoded?) -> Bencoded {
        guard case .dictionary(var members) = self else { return self }
        members.removeAll { $0.key == Array(key.utf8) }
        if let value { members.append((Array(key.utf8), value)) }
        return .dictionary(members).sorted
    }

    var sorted: Bencoded {
        guard case .dictionary(let members) = self else { return self }
        return .dictionary(members.sorted { $0.key.lexicographicallyPrecedes($1.key) })
    }

    func member(_ key: String) -> Bencoded? {
        guard case .dictionary(let members) = self else { return nil }
        return members.first { $0.key == Array(key.utf8) }?.value
    }
}

extension MetainfoHashing {
    static let forTests = MetainfoHashing(
        sha1: { try? digest(.sha1, of: Array($0)) },
        sha256: { bytes, chunk in
            var digests: [UInt8] = []
            for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: chunk) {
                guard
                    let next = try? digest(
                        .sha256, of: Array(bytes[start..<min(start + chunk, bytes.endIndex)]))
                else { return nil }
                digests += next
            }
            return digests
        })
}

/// Torrents to begin from.
enum Sample {
    static func pieces(_ count: Int) -> Bencoded {
        .bytes((0..<20 * count).map { UInt8(truncatingIfNeeded: $0) })
    }

    static let singleInfo: Bencoded = [
        "length": 100_000, "name": "file.bin", "piece length": 32768, "pieces": pieces(4),
    ]

    /// Files of ten bytes each, at the given paths, in one piece.
    static func info(paths: [[String]], name: String = "root") -> Bencoded {
        info(
            files: paths.map { path in
                ["length": 10, "path": .list(path.map { Bencoded(stringLiteral: $0) })]
            }, name: .init(stringLiteral: name))
    }

    static func info(files: [Bencoded], name: Bencoded = "root", total: Int = 0) -> Bencoded {
        let count = max(1, (total + 32767) / 32768)
        return ["files": .list(files), "name": name, "piece length": 32768, "pieces": pieces(count)]
    }

    static func torrent(_ info: Bencoded) -> Bencoded { ["info": info] }
}

func read(_ info: Bencoded, limits: MetainfoLimits = .standard) throws(MetainfoFailure) -> Metainfo {
    try Metainfo(torrentFile: Sample.torrent(info).bytes, hashing: .forTests, limits: limits)
}

func readFile(_ torrent: Bencoded) throws(MetainfoFailure) -> Metainfo {
    try Metainfo(torrentFile: torrent.bytes, hashing: .forTests)
}

/// Nil when it is taken.
func failure(_ info: Bencoded, limits: MetainfoLimits = .standard) -> MetainfoFailure? {
    do throws(MetainfoFailure) {
        _ = try read(info, limits: limits)
        return nil
    } catch {
        return error
    }
}

func fileFailure(_ bytes: [UInt8]) -> MetainfoFailure? {
    do throws(MetainfoFailure) {
        _ = try Metainfo(torrentFile: bytes, hashing: .forTests)
        return nil
    } catch {
        return error
    }
}
