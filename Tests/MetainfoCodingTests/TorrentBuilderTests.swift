import BencodeCoding
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

private func build(
    _ files: [(String, Int64)], _ version: TorrentVersion = .v1, pieceLength: UInt32? = 16384
) throws(TorrentBuildFailure) -> TorrentBuilder {
    var options = TorrentOptions()
    options.version = version
    options.pieceLength = pieceLength
    return try TorrentBuilder(
        name: "root", isMultiFile: true,
        files: files.map { .init(components: $0.0.split(separator: "/").map(String.init), length: $0.1) },
        options: options)
}

private func failure(_ files: [(String, Int64)], pieceLength: UInt32? = 16384) -> TorrentBuildFailure? {
    do throws(TorrentBuildFailure) {
        _ = try build(files, pieceLength: pieceLength)
        return nil
    } catch {
        return error
    }
}

@Suite("A torrent that is made")
struct TorrentBuilderTests {
    @Test("has its files in the order of their names' bytes, folder by folder")
    func order() throws {
        let builder = try build(
            [("b/x", 1), ("a.txt", 1), ("b", 1), ("B", 1), ("a/é", 1), ("a/z", 1)].filter { $0.0 != "b" })
        #expect(
            builder.files.map { $0.components.joined(separator: "/") } == ["B", "a/z", "a/é", "a.txt", "b/x"])
    }

    @Test("has pieces that run on through files in v1, and begin anew with each file else")
    func segments() throws {
        typealias Segment = TorrentBuilder.Segment
        let files: [(String, Int64)] = [("a", 20_000), ("b", 0), ("c", 10)]
        let v1 = try build(files)
        #expect(v1.geometry.pieceCount == 2)
        #expect(v1.segments(ofPiece: 0) == [Segment(file: 0, offset: 0, length: 16384)])
        #expect(
            v1.segments(ofPiece: 1) == [
                Segment(file: 0, offset: 16384, length: 3616), Segment(file: 2, offset: 0, length: 10),
            ])
        let hybrid = try build(files, .hybrid)
        #expect(hybrid.geometry.pieceCount == 3 && hybrid.geometry.totalLength == 32_778)
        #expect(
            hybrid.segments(ofPiece: 1) == [
                Segment(file: 0, offset: 16384, length: 3616), Segment(file: nil, offset: 0, length: 12_768),
            ])
        #expect(hybrid.segments(ofPiece: 2) == [Segment(file: 2, offset: 0, length: 10)])
    }

    @Test(
        "has a piece length that makes some hundreds to two thousand pieces",
        arguments: [
            (1, 16 << 10), (16 << 20, 16 << 10), (32 << 20, 32 << 10), (1 << 30, 1 << 20),
            (700 << 20, 512 << 10),
            (50 << 30, 16 << 20), (1 << 40, 16 << 20), (1 << 45, 64 << 20),
        ] as [(Int64, UInt32)])
    func pieceLength(content: Int64, length: UInt32) {
        #expect(TorrentBuilder.pieceLength(forContent: content) == length)
    }

    @Test("is refused where it makes no sense")
    func refused() {
        #expect(failure([]) == .noContent)
        #expect(failure([("a", 0)]) == .noContent)
        for length in [0, 1, 8192, 24576, .max] as [UInt32] {
            #expect(failure([("a", 1)], pieceLength: length) == .badPieceLength(length))
        }
        #expect(failure([("a", 1 << 40)]) == .tooManyPieces(limit: 1 << 21))
        #expect(failure([("a", .max)]) == .tooMuchContent)
        #expect(failure([("a", 5), ("b", -1)]) == .tooMuchContent)
        for name in ["..", ".", "a\0b"] { #expect(failure([(name, 1)]) == .badName(name)) }
        #expect(failure([("a", 1), ("a", 1)]) == .badName("a"))
        #expect(failure([("a", 1), ("a/b", 1)]) == .badName("b"))
        // Two files on Linux, and two in the torrent, though equal as strings.
        #expect(failure([("\u{e9}", 1), ("e\u{301}", 1)]) == nil)
    }

    @Test("reads back as what was put in, in each version", arguments: 0..<300 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let version = [TorrentVersion.v1, .v2, .hybrid][Int(seed % 3)]
        var names: Set<String> = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let depth = Int.random(in: 1...3, using: &random)
            names.insert(
                (0..<depth).map { "d\($0)-\(Int.random(in: 0...3, using: &random))" }.joined(separator: "/")
                    + "/f")
        }
        var options = TorrentOptions()
        options.version = version
        options.pieceLength = 16384
        options.isPrivate = Bool.random(using: &random)
        options.source = Bool.random(using: &random) ? "S" : nil
        options.announcement.tiers = [["http://a.example/", "http://b.example/"], ["udp://c.example:1"]]
        if Bool.random(using: &random) { options.announcement.tiers = [["http://a.example/"]] }
        options.announcement.webSeeds =
            Bool.random(using: &random) ? ["http://w.example/"] : ["http://w.example/", "http://x.example/"]
        options.announcement.comment = "c"
        options.announcement.createdBy = "weir"
        options.announcement.creationDate = 5
        var files = names.map { name in
            TorrentBuilder.File(
                components: name.split(separator: "/").map(String.init),
                length: Int64([0, 1, 16384, 16385, 40_000, 100_000][Int.random(in: 0...5, using: &random)]))
        }
        files.append(.init(components: ["z"], length: 77))
        let isMultiFile = seed % 7 != 0
        if !isMultiFile { files = [.init(components: ["root"], length: 50_000)] }
        let builder = try TorrentBuilder(
            name: "root", isMultiFile: isMultiFile, files: files, options: options)
        let count = builder.geometry.pieceCount
        func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 1...255, using: &random) }
        }
        let v1 = bytes(version == .v2 ? 0 : count * 20), v2 = bytes(version == .v1 ? 0 : count * 32)
        let file = try builder.torrentFile(v1Hashes: v1, v2Hashes: v2, hashing: .forTests)
        #expect(try BencodeDocument(file).flaws.isEmpty)

        let torrent = try Metainfo(torrentFile: file, hashing: .forTests)
        #expect(torrent.version == version && torrent.isPrivate == options.isPrivate)
        #expect(torrent.source == options.source && torrent.announcement == options.announcement)
        #expect(torrent.geometry == builder.geometry && torrent.flaws.isEmpty)
        #expect(torrent.v1Hashes.map(Array.init) == (version == .v2 ? nil : v1))
        let stored = torrent.files.filter { !$0.isPadding }
        #expect(stored.map(\.length) == builder.files.map(\.length))
        let folder = isMultiFile ? ["root"] : []
        #expect(stored.map(\.components) == builder.files.map { folder + $0.components })
        guard version != .v1 else { return }
        for (index, file) in torrent.files.enumerated() where !file.isPadding && file.length > 0 {
            for piece in 0..<Int((file.length - 1) / 16384 + 1) {
                let start = (Int(file.offset) / 16384 + piece) * 32
                #expect(
                    torrent.v2Hash(ofPiece: piece, inFile: index).map(Array.init)
                        == Array(v2[start..<start + 32]))
            }
        }
    }
}
