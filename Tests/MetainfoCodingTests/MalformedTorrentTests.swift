import BencodeCoding
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

/// The classes of malformed torrents that other clients test with, from bytes of our own.
@Suite("A malformed torrent")
struct MalformedTorrentTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var info: [UInt8]
        var failure: MetainfoFailure

        init(_ name: String, _ info: Bencoded, _ failure: MetainfoFailure) {
            (self.name, self.info, self.failure) = (name, info.bytes, failure)
        }

        var testDescription: String { self.name }
    }

    private static let single = Sample.singleInfo
    private static func file(_ file: Bencoded) -> Bencoded {
        Sample.info(files: [["length": 1, "path": ["ok"]], file])
    }

    static let cases: [Case] = [
        Case("without piece length", single.with("piece length", nil), .noPieceLength),
        Case("with text as piece length", single.with("piece length", "119"), .noPieceLength),
        Case("with a negative piece length", single.with("piece length", -16384), .badPieceLength(-16384)),
        Case("with pieces of no length", single.with("piece length", 0), .badPieceLength(0)),
        Case(
            "with the greatest piece length", single.with("piece length", .integer(.max)),
            .badPieceLength(.max)),
        Case("without name", single.with("name", nil), .noName),
        Case("with a number as name", single.with("name", 5), .noName),
        Case("with a list as name", single.with("name", ["x"]), .noName),
        Case("without length and files", single.with("length", nil), .noFiles),
        Case("with text as length", single.with("length", "5"), .noFiles),
        Case("with a negative length", single.with("length", -1), .badFileLength(file: 0)),
        Case("of nothing", single.with("length", 0), .noContent),
        Case("with length and files", Sample.info(paths: [["a"]]).with("length", 10), .lengthAndFiles),
        Case("with an empty list of files", Sample.info(files: []), .noFiles),
        Case("with text as files", Sample.info(files: []).with("files", "x"), .noFiles),
        Case("with a file that is no dictionary", file("x"), .badFile(file: 1)),
        Case("with a file without length", file(["path": ["a"]]), .badFileLength(file: 1)),
        Case("with a file of negative length", file(["length": -5, "path": ["a"]]), .badFileLength(file: 1)),
        Case(
            "with a file whose length is text", file(["length": "5", "path": ["a"]]), .badFileLength(file: 1)),
        Case("with a file without path", file(["length": 5]), .badPath(file: 1)),
        Case("with an empty path", file(["length": 5, "path": []]), .badPath(file: 1)),
        Case("with text as path", file(["length": 5, "path": "a"]), .badPath(file: 1)),
        Case("with a number in a path", file(["length": 5, "path": ["a", 1]]), .badPath(file: 1)),
        Case("with a link to nowhere", file(["attr": "l", "path": ["a"]]), .badSymlink(file: 1)),
        Case(
            "with a link to an empty list", file(["attr": "l", "path": ["a"], "symlink path": []]),
            .badSymlink(file: 1)),
        Case(
            "with a number in a link", file(["attr": "l", "path": ["a"], "symlink path": [1]]),
            .badPath(file: 1)),
        Case(
            "with more bytes than a number holds",
            Sample.info(files: [
                ["length": .integer(.max), "path": ["a"]], ["length": .integer(.max), "path": ["b"]],
            ]), .tooMuchContent),
        Case("with a huge file", single.with("length", .integer(.max)), .tooManyPieces(limit: 1 << 21)),
        Case("without pieces", single.with("pieces", nil), .noPieces),
        Case("with a list of pieces", single.with("pieces", ["x"]), .noPieces),
        Case("with no piece", single.with("pieces", ""), .wrongPieceCount(expected: 4, found: 0)),
        Case(
            "with a piece too few", single.with("pieces", Sample.pieces(3)),
            .wrongPieceCount(expected: 4, found: 3)),
        Case(
            "with a piece too many", single.with("pieces", Sample.pieces(5)),
            .wrongPieceCount(expected: 4, found: 5)),
        Case(
            "with a part of a piece hash", single.with("pieces", "12345678901"), .raggedPieces(byteCount: 11)),
        Case("of a later version", single.with("meta version", 3), .unsupportedVersion(3)),
        Case("of no version", single.with("meta version", 0), .unsupportedVersion(0)),
        Case(
            "with its pieces twice",
            [
                "length": 100_000, "name": "n",
                "piece length": 32768,
                "pieces": Sample.pieces(4), "pieces": Sample.pieces(4),
            ], .duplicateKeys),
        Case(
            "with a file's length twice",
            Sample.info(files: [["length": 1, "length": 2, "path": ["a"]]]), .duplicateKeys),
        Case(
            "with 101 folders",
            file(["length": 1, "path": .list([Bencoded](repeating: "d", count: 101))]), .pathTooLong(file: 1)),
        Case(
            "with a path that no system takes",
            file([
                "length": 1,
                "path": .list([Bencoded](repeating: .bytes([UInt8](repeating: 97, count: 240)), count: 20)),
            ]),
            .pathTooLong(file: 1)),
        Case(
            "with 501 names that are taken",
            Sample.info(paths: [[String]](repeating: ["same"], count: 502)),
            .tooManyDuplicateNames(limit: 500)),
    ]

    @Test("is refused with what is wrong", arguments: cases)
    func refused(_ example: Case) {
        #expect(failure(.raw(example.info)) == example.failure)
        #expect(!example.failure.description.isEmpty)
    }

    @Test("is refused where it is no torrent at all")
    func noTorrent() {
        #expect(fileFailure([]) == .bencoding(.init(.endOfInput, offset: 0)))
        #expect(fileFailure(Array("<html>".utf8)) == .bencoding(.init(.unexpectedByte(60), offset: 0)))
        #expect(fileFailure(Array("4:spam".utf8)) == .notADictionary)
        #expect(fileFailure(Array("li1ee".utf8)) == .notADictionary)
        #expect(fileFailure(Array("de".utf8)) == .noInfo)
        #expect(fileFailure(Array("d4:infoi1ee".utf8)) == .noInfo)
        #expect(fileFailure(Array("d4:infod".utf8)) == .bencoding(.init(.endOfInput, offset: 8)))
        let bytes = Sample.torrent(Sample.singleInfo).bytes
        #expect(
            fileFailure(bytes + [0]) == .bencoding(.init(.trailingBytes(count: 1), offset: bytes.count)))
        let info = Array("info".utf8)
        #expect(
            fileFailure(Bencoded.dictionary([(info, Sample.singleInfo), (info, Sample.singleInfo)]).bytes)
                == .duplicateKeys)
    }

    @Test("is refused wherever a good one is cut")
    func everyCut() {
        let bytes = Sample.torrent(Sample.info(paths: [["a", "b"], ["c"]])).bytes
        #expect(fileFailure(bytes) == nil)
        for end in bytes.indices { #expect(fileFailure(Array(bytes[..<end])) != nil) }
    }

    @Test("never traps, whatever byte of a good one changes", arguments: 0..<200 as Range<UInt64>)
    func changedBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let samples = [
            Sample.torrent(Sample.singleInfo),
            Sample.torrent(Sample.info(paths: [["a", "b"], ["c"], ["C"]])),
            VersionTwo.torrent(hybrid: false), VersionTwo.torrent(hybrid: true),
        ]
        var bytes = samples[Int(seed % 4)].bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        guard let torrent = try? Metainfo(torrentFile: bytes, hashing: .forTests) else { return }
        #expect(torrent.geometry.pieceCount > 0 && !torrent.files.isEmpty)
        for file in torrent.files where !file.isPadding {
            #expect(!file.components.contains { $0.isEmpty || $0 == "." || $0 == ".." })
        }
    }

    @Test("is refused where folders' names make the paths together too long, in each format")
    func longPaths() throws {
        var limits = MetainfoLimits()
        limits.totalPathByteCount = 200
        let three = Sample.info(
            paths: [["d", "a"], ["d", "b"], ["d", "c"]], name: String(repeating: "n", count: 60))
        #expect(throws: MetainfoFailure.pathsTooLong(limit: 192)) {
            limits.totalPathByteCount = 64 * 3
            _ = try read(
                three.with("name", .init(stringLiteral: String(repeating: "n", count: 61))), limits: limits)
        }
        limits.totalPathByteCount = 64 * 3
        #expect(try read(three, limits: limits).files.count == 3)
        // A link's target counts as a path, and so does each file of a tree.
        let link: Bencoded = ["attr": "l", "path": ["l"], "symlink path": ["x"]]
        limits.totalPathByteCount = 12
        #expect(throws: MetainfoFailure.pathsTooLong(limit: 12)) {
            _ = try read(Sample.info(files: [["length": 1, "path": ["x"]], link]), limits: limits)
        }
        limits.totalPathByteCount = 4
        #expect(throws: MetainfoFailure.pathsTooLong(limit: 4)) {
            _ = try Metainfo(
                torrentFile: VersionTwo.torrent(hybrid: false).bytes, hashing: .forTests, limits: limits)
        }
    }

    @Test("is refused in time and memory that its size bounds")
    func bombs() {
        // A file list of as many entries as bytes allow, and one whose names all collide.
        let clock = ContinuousClock()
        let time = clock.measure {
            var files: [Bencoded] = []
            for number in 0..<20_000 {
                files.append(["length": 1, "path": [.init(stringLiteral: "f\(number % 10_000)")]])
            }
            #expect(failure(Sample.info(files: files, total: 20_000)) == .tooManyDuplicateNames(limit: 500))
        }
        #expect(time < .seconds(20) * slowness, "\(time)")
    }
}
