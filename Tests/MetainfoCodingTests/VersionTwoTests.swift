import BencodeCoding
import Digests
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

/// A v2 torrent of two files: `a`, of three pieces of 32 KiB, and `b/c`, of less than one.
enum VersionTwo {
    static let pieceLength = 32768
    static let first = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    static let second = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 17) }

    static func sha256(_ bytes: [UInt8]) -> [UInt8] { (try? digest(.sha256, of: bytes)) ?? [] }

    /// The plain definition of BEP 52: all leaves up to a power of two, zeros beyond the end.
    static func root(_ bytes: [UInt8], leaves: Int) -> [UInt8] {
        var level = (0..<leaves).map { leaf in
            let start = leaf * 16384
            return start < bytes.count
                ? sha256(Array(bytes[start..<min(start + 16384, bytes.count)]))
                : [UInt8](repeating: 0, count: 32)
        }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { sha256(level[$0] + level[$0 + 1]) }
        }
        return level[0]
    }

    static var firstRoot: [UInt8] { root(first, leaves: 8) }
    static var layer: [UInt8] {
        (0..<3).flatMap {
            root(Array(first[($0 * pieceLength)..<min(($0 + 1) * pieceLength, first.count)]), leaves: 2)
        }
    }
    static var tree: Bencoded {
        [
            "a": ["": ["length": .integer(Int64(first.count)), "pieces root": .bytes(firstRoot)]],
            "b": [
                "c": [
                    "": [
                        "length": .integer(Int64(second.count)),
                        "pieces root": .bytes(root(second, leaves: 2)),
                    ]
                ],
                "d": ["": ["length": 0]],
            ],
        ]
    }

    static func info(hybrid: Bool) -> Bencoded {
        var info: Bencoded = [
            "file tree": tree, "meta version": 2, "name": "two", "piece length": .integer(Int64(pieceLength)),
        ]
        if hybrid {
            info = info.with("pieces", Sample.pieces(4)).with(
                "files",
                [
                    ["length": 70_000, "path": ["a"]],
                    ["attr": "p", "length": 28_304, "path": [".pad", "28304"]],
                    ["length": 20_000, "path": ["b", "c"]], ["length": 0, "path": ["b", "d"]],
                ])
        }
        return info
    }

    static func torrent(_ info: Bencoded, layers: Bencoded? = nil) -> Bencoded {
        ["info": info, "piece layers": layers ?? .dictionary([(firstRoot, .bytes(layer))])]
    }

    static func torrent(hybrid: Bool) -> Bencoded { torrent(info(hybrid: hybrid)) }
}

@Suite("A v2 torrent")
struct VersionTwoTests {
    @Test("has a SHA-256 hash, files at piece boundaries and proved piece layers")
    func alone() throws {
        let info = VersionTwo.info(hybrid: false)
        let torrent = try readFile(VersionTwo.torrent(info))
        #expect(torrent.version == .v2 && torrent.v1ID == nil && torrent.isMultiFile)
        #expect(torrent.v2InfoHash?.bytes == VersionTwo.sha256(info.bytes))
        #expect(torrent.id.bytes == Array(VersionTwo.sha256(info.bytes).prefix(20)))
        #expect(torrent.id == torrent.v2InfoHash?.truncated)
        #expect(torrent.files.map(\.path) == ["two/a", "two/b/c", "two/b/d"])
        #expect(torrent.files.map(\.offset) == [0, 98_304, 118_304])
        #expect(torrent.geometry.pieceCount == 4 && torrent.contentLength == 90_000)
        #expect(torrent.v1Hashes == nil && torrent.v1Hash(ofPiece: 0) == nil)
        #expect(torrent.v2Hash(ofPiece: 2, inFile: 0).map(Array.init) == Array(VersionTwo.layer[64..<96]))
        #expect(torrent.v2Hash(ofPiece: 3, inFile: 0) == nil && torrent.v2Hash(ofPiece: 0, inFile: 2) == nil)
        #expect(
            torrent.v2Hash(ofPiece: 0, inFile: 1).map(Array.init)
                == VersionTwo.root(VersionTwo.second, leaves: 2))
        #expect(torrent.v2Hash(ofPiece: 1, inFile: 1) == nil && torrent.v2Hash(ofPiece: 0, inFile: 3) == nil)
    }

    @Test("may be a v1 torrent too, of the same files")
    func hybrid() throws {
        let torrent = try readFile(VersionTwo.torrent(hybrid: true))
        #expect(torrent.version == .hybrid)
        #expect(
            try torrent.v1ID?.bytes == digest(.sha1, of: Array(torrent.infoBytes))
                && torrent.id == torrent.v1ID)
        #expect(torrent.files.map(\.isPadding) == [false, true, false, false])
        #expect(torrent.files[2].offset == 98_304 && torrent.files[2].piecesRoot != nil)
        #expect(torrent.v2Hash(ofPiece: 0, inFile: 0).map(Array.init) == Array(VersionTwo.layer[..<32]))
        #expect(torrent.v1Hash(ofPiece: 3)?.count == 20)
    }

    @Test("of one file has no folder")
    func single() throws {
        let root = VersionTwo.root(VersionTwo.second, leaves: 2)
        var info: Bencoded = [
            "file tree": ["c.bin": ["": ["length": 20_000, "pieces root": .bytes(root)]]], "meta version": 2,
            "name": "c.bin", "piece length": 32768,
        ]
        var torrent = try read(info)
        #expect(!torrent.isMultiFile && torrent.files.map(\.path) == ["c.bin"])
        #expect(torrent.v2Hash(ofPiece: 0, inFile: 0).map(Array.init) == root)
        info = info.with("length", 20_000).with("pieces", Sample.pieces(1))
        torrent = try read(info)
        #expect(torrent.version == .hybrid && torrent.files.count == 1 && torrent.files[0].piecesRoot != nil)
        #expect(failure(info.with("name", "other")) == .versionsDisagree(file: 0))
    }

    @Test("is taken without piece layers, which peers can give")
    func noLayers() throws {
        for torrent in [
            Sample.torrent(VersionTwo.info(hybrid: false)),
            VersionTwo.torrent(VersionTwo.info(hybrid: false), layers: [:]),
        ] {
            let read = try readFile(torrent)
            #expect(read.files[0].pieceLayer == nil && read.v2Hash(ofPiece: 0, inFile: 0) == nil)
        }
    }

    @Test("with links and alignment left out of the last file is taken")
    func links() throws {
        let link: Bencoded = ["": ["attr": "l", "length": 0, "symlink path": ["a"]]]
        let info = VersionTwo.info(hybrid: false).with("file tree", VersionTwo.tree.with("l", link))
        let torrent = try readFile(VersionTwo.torrent(info))
        #expect(torrent.files.last?.symlinkTarget == "two/a")
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var torrent: [UInt8]
        var failure: MetainfoFailure

        init(_ name: String, _ info: Bencoded, layers: Bencoded? = nil, _ failure: MetainfoFailure) {
            self.name = name
            self.torrent = VersionTwo.torrent(info, layers: layers).bytes
            self.failure = failure
        }

        var testDescription: String { self.name }
    }

    private static let info = VersionTwo.info(hybrid: false)
    private static let hybrid = VersionTwo.info(hybrid: true)
    private static func tree(_ key: String, _ value: Bencoded?) -> Bencoded {
        info.with("file tree", VersionTwo.tree.with(key, value))
    }
    private static func file(_ key: String, _ value: Bencoded?) -> Bencoded {
        let file: Bencoded = [
            "length": 20_000, "pieces root": .bytes(VersionTwo.root(VersionTwo.second, leaves: 2)),
        ]
        return tree("z", ["": file.with(key, value)])
    }
    private static func files(_ files: Bencoded) -> Bencoded { hybrid.with("files", files) }
    private static let zeros = Bencoded.bytes([UInt8](repeating: 0, count: 32))
    private static func layers(_ root: [UInt8], _ layer: [UInt8]) -> Bencoded {
        .dictionary([(root, .bytes(layer))])
    }

    static let cases: [Case] = [
        Case("pieces of no power of two", info.with("piece length", 49152), .badPieceLength(49152)),
        Case("pieces below 16 KiB", info.with("piece length", 8192), .badPieceLength(8192)),
        Case("no file tree", info.with("file tree", nil), .noPieces),
        Case("a list as file tree", info.with("file tree", []), .badFileTree),
        Case("an empty file tree", info.with("file tree", [:]), .badFileTree),
        Case("a tree that is a file", info.with("file tree", ["": ["length": 1]]), .badFileTree),
        Case("an empty name", tree("b", ["": ["": ["length": 0]]]), .badFileLength(file: 1)),
        Case(
            "a file with siblings below it", tree("b", ["": ["length": 0], "x": ["": ["length": 0]]]),
            .badFileTree),
        Case("a file that is a number", tree("b", ["": 7]), .badFileTree),
        Case("an entry that is a number", tree("b", 7), .badFileTree),
        Case("a file without length", file("length", nil), .badFileLength(file: 3)),
        Case("a negative length", file("length", -1), .badFileLength(file: 3)),
        Case("no root", file("pieces root", nil), .badPiecesRoot(file: 3)),
        Case("a short root", file("pieces root", "short"), .badPiecesRoot(file: 3)),
        Case("a root of zeros", file("pieces root", zeros), .badPiecesRoot(file: 3)),
        Case("a root that is a number", file("pieces root", 5), .badPiecesRoot(file: 3)),
        Case("a pad file", file("attr", "p"), .padFileInTree(file: 3)),
        Case("a link to nowhere", file("attr", "l"), .badSymlink(file: 3)),
        Case("a huge file", file("length", .integer(.max)), .tooMuchContent),
        Case("too many pieces", file("length", .integer(1 << 50)), .tooManyPieces(limit: 1 << 21)),
        Case(
            "keys out of order",
            [
                "name": "n", "meta version": 2,
                "piece length": 16384,
                "file tree": VersionTwo.tree,
            ], .notCanonical(.unsortedKeys)),
        Case(
            "a needless zero", info.with("piece length", .raw(Array("i032768e".utf8))),
            .notCanonical(.overlongNumber)),
        Case(
            "files in another order than the tree's",
            files([
                ["length": 20_000, "path": ["b", "c"]], ["length": 0, "path": ["b", "d"]],
                ["attr": "p", "length": 12_768, "path": ["p"]], ["length": 70_000, "path": ["a"]],
            ]),
            .versionsDisagree(file: 0)),
        Case(
            "files that are not aligned",
            files([
                ["length": 70_000, "path": ["a"]], ["length": 20_000, "path": ["b", "c"]],
                ["length": 0, "path": ["b", "d"]],
            ])
            .with("pieces", Sample.pieces(3)), .versionsDisagree(file: 1)),
        Case(
            "a file of another length",
            files([
                ["length": 70_001, "path": ["a"]], ["attr": "p", "length": 28_303, "path": ["p"]],
                ["length": 20_000, "path": ["b", "c"]], ["length": 0, "path": ["b", "d"]],
            ]), .versionsDisagree(file: 0)),
        Case(
            "a file fewer",
            files([
                ["length": 70_000, "path": ["a"]], ["attr": "p", "length": 28_304, "path": ["p"]],
                ["length": 20_000, "path": ["b", "c"]],
            ]), .versionsDisagree(file: 3)),
        Case(
            "a file more",
            files([
                ["length": 70_000, "path": ["a"]], ["attr": "p", "length": 28_304, "path": ["p"]],
                ["length": 20_000, "path": ["b", "c"]], ["length": 0, "path": ["b", "d"]],
                ["length": 0, "path": ["e"]],
            ]),
            .versionsDisagree(file: 4)),
        Case("layers that are a list", info, layers: [], .badPieceLayers),
        Case(
            "a layer of no whole hashes", info,
            layers: layers(VersionTwo.firstRoot, Array(VersionTwo.layer.dropLast())), .badPieceLayers),
        Case(
            "a layer under a short root", info, layers: layers([1, 2, 3], VersionTwo.layer), .badPieceLayers),
        Case(
            "a layer that is a number", info, layers: .dictionary([(VersionTwo.firstRoot, .integer(5))]),
            .badPieceLayers),
        Case(
            "a layer that is too short", info,
            layers: layers(VersionTwo.firstRoot, Array(VersionTwo.layer.prefix(64))), .badPieceLayer(file: 0)),
        Case(
            "a layer that is too long", info,
            layers: layers(VersionTwo.firstRoot, VersionTwo.layer + VersionTwo.layer.prefix(32)),
            .badPieceLayer(file: 0)),
        Case(
            "a layer with another hash", info,
            layers: layers(VersionTwo.firstRoot, [UInt8](repeating: 1, count: 96)), .badPieceLayer(file: 0)),
        Case(
            "a layer of no file", info, layers: layers([UInt8](repeating: 9, count: 32), VersionTwo.layer),
            .unknownPieceLayer),
        Case(
            "a layer of a file of one piece", info,
            layers: layers(
                VersionTwo.root(VersionTwo.second, leaves: 2), VersionTwo.root(VersionTwo.second, leaves: 2)),
            .unknownPieceLayer),
    ]

    @Test("is refused with what is wrong", arguments: cases)
    func refused(_ example: Case) { #expect(fileFailure(example.torrent) == example.failure) }

    @Test("is refused where its folders are too deep, on a small stack too")
    func depth() {
        var tree: Bencoded = ["": ["length": 0]]
        for _ in 0..<60 { tree = ["d": tree] }
        let two = VersionTwo.tree.with("z", tree)
        #expect(failure(Self.info.with("file tree", two)) == nil)
        for _ in 0..<60 { tree = ["d": tree] }
        let deep = failure(Self.info.with("file tree", VersionTwo.tree.with("z", tree)))
        guard case .bencoding(let reason) = deep else { Issue.record("\(String(describing: deep))"); return }
        #expect(reason.reason == .nestedTooDeep(limit: 100))
    }

    @Test("has a hash tree of the same root from any layer", arguments: 0..<200 as Range<UInt64>)
    func merkle(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 1...40, using: &random)
        let leaves = (0..<count * 32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let width = 1 << Int.random(in: 0...3, using: &random)
        var layer: [UInt8] = []
        for start in stride(from: 0, to: count, by: width) {
            let part = leaves[(start * 32)..<min((start + width), count) * 32]
            layer +=
                merkleRoot(ofLayer: part, covering: 16384, spanning: width * 16384, hashing: .forTests) ?? []
        }
        var padded = leaves
        var size = 1
        while size < count || size < width { size *= 2 }
        padded += [UInt8](repeating: 0, count: (size - count) * 32)
        while padded.count > 32 {
            padded = stride(from: 0, to: padded.count, by: 64).flatMap {
                VersionTwo.sha256(Array(padded[$0..<$0 + 64]))
            }
        }
        #expect(merkleRoot(ofLayer: layer[...], covering: width * 16384, hashing: .forTests) == padded)
    }
}
