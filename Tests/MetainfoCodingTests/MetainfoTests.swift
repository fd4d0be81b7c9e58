import BencodeCoding
import Digests
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

@Suite("A v1 torrent")
struct MetainfoTests {
    @Test("One file is read with its hash over the bytes as they are written")
    func oneFile() throws {
        let torrent = try read(Sample.singleInfo)
        #expect(torrent.version == .v1 && !torrent.isMultiFile && torrent.v2InfoHash == nil)
        let hash = try digest(.sha1, of: Sample.singleInfo.bytes)
        #expect(torrent.v1ID?.bytes == hash && torrent.id.bytes == hash)
        #expect(Array(torrent.infoBytes) == Sample.singleInfo.bytes)
        #expect(torrent.name == "file.bin" && torrent.files.map(\.path) == ["file.bin"])
        #expect(torrent.geometry == PieceGeometry(totalLength: 100_000, pieceLength: 32768))
        #expect(torrent.contentLength == 100_000)
        #expect(torrent.v1Hash(ofPiece: 1).map(Array.init) == Array(20..<40))
        #expect(torrent.v1Hash(ofPiece: 3)?.count == 20)
        #expect(torrent.v1Hash(ofPiece: 4) == nil && torrent.v1Hash(ofPiece: -1) == nil)
        #expect(!torrent.isPrivate && torrent.source == nil && torrent.flaws.isEmpty)
    }

    @Test("Files lie one after another, padding is marked, links have no length")
    func severalFiles() throws {
        let torrent = try read(
            Sample.info(
                files: [
                    ["length": 20_000, "path": ["a", "b.bin"]],
                    ["attr": "p", "length": 12_768, "path": [".pad", "12768"]],
                    ["attr": "xh", "length": 5, "path": ["c"]],
                    ["attr": "l", "path": ["d"], "symlink path": ["a", "b.bin"]],
                    ["length": 0, "path": ["empty"]],
                    ["attr": "p", "length": 3],
                ], total: 32_776))
        #expect(
            torrent.files.map(\.path) == [
                "root/a/b.bin", "root/.pad/12768", "root/c", "root/d", "root/empty", "root/.pad/3",
            ])
        #expect(torrent.files.map(\.offset) == [0, 20_000, 32_768, 32_773, 32_773, 32_773])
        #expect(torrent.files.map(\.length) == [20_000, 12_768, 5, 0, 0, 3])
        #expect(torrent.files.map(\.isPadding) == [false, true, false, false, false, true])
        #expect(torrent.files.map(\.isStored) == [true, false, true, false, true, false])
        #expect(torrent.files[2].attributes == [.executable, .hidden])
        #expect(torrent.files[3].isSymlink && torrent.files[3].symlinkTarget == "root/a/b.bin")
        #expect(torrent.contentLength == 20_005 && torrent.isMultiFile)
        #expect(torrent.files[0].components == ["root", "a", "b.bin"])
    }

    @Test("A key out of order changes the hash, not the torrent")
    func unordered() throws {
        guard case .dictionary(let members) = Sample.singleInfo else { return }
        let info = Bencoded.dictionary(members.reversed())
        let torrent = try read(info)
        #expect(torrent.flaws == .unsortedKeys)
        #expect(try torrent.id.bytes == digest(.sha1, of: info.bytes))
        #expect(try torrent.id != read(Sample.singleInfo).id)
        #expect(try torrent.files == read(Sample.singleInfo).files)
    }

    @Test("An info dictionary from peers is the same torrent as in the file")
    func infoDictionary() throws {
        let torrent = try Metainfo(infoDictionary: Sample.singleInfo.bytes, hashing: .forTests)
        #expect(try torrent.id == read(Sample.singleInfo).id && torrent.v1Hash(ofPiece: 0)?.first == 0)
        #expect(throws: MetainfoFailure.bencoding(.init(.endOfInput, offset: 0))) {
            try Metainfo(infoDictionary: [], hashing: .forTests)
        }
        #expect(throws: MetainfoFailure.noInfo) {
            try Metainfo(infoDictionary: Array("le".utf8), hashing: .forTests)
        }
    }

    @Test("UTF-8 forms count before others, where they are UTF-8")
    func utf8Keys() throws {
        let info = Sample.info(files: [
            ["length": 1, "path": [.bytes([0xE9])], "path.utf-8": ["é"]]
        ]).with("name", .bytes([0xE9])).with("name.utf-8", "né")
        #expect(try read(info).files.map(\.path) == ["né/é"])
        let broken = Sample.singleInfo.with("name.utf-8", .bytes([0xFF]))
        #expect(try read(broken).name == "file.bin")
    }

    @Test("What stands around the info is read, cleaned and each URL kept once")
    func announcement() throws {
        var torrent: Bencoded = [
            "announce": "http://first.example/a",
            "announce-list": [
                ["http://one.example/announce", "udp://two.example:80"], [],
                ["  http://one.example/announce ", "ws://no.example", "HTTPS://three.example/x y"],
                "http://flat.example/",
            ], "comment": "a comment", "created by": "someone", "creation date": 1_700_000_000,
            "info": Sample.singleInfo, "nodes": [["dht.example", 6881], ["bad", 0], ["x y", 1], "z"],
            "url-list": [
                " http://seed.example/a b/ ", "ftp://seed.example/", "http://seed.example/a%20b/", "",
                "http://", "http://\u{1}/", "https://s\u{e9}ed.example/", 7,
            ],
        ]
        let read = try readFile(torrent).announcement
        #expect(
            read.tiers == [
                ["http://one.example/announce", "udp://two.example:80"], ["https://three.example/x%20y"],
                ["http://flat.example/"],
            ])
        #expect(read.webSeeds == ["http://seed.example/a%20b/", "https://s%C3%A9ed.example/"])
        #expect(read.nodes == [DHTNode(host: "dht.example", port: 6881)])
        #expect(read.comment == "a comment" && read.createdBy == "someone")
        #expect(read.creationDate == 1_700_000_000)

        torrent = torrent.with("announce-list", [["nonsense"]]).with("url-list", "http://one.example/f")
        torrent = torrent.with("info", Sample.singleInfo.with("private", 1).with("source", "HERE"))
        let other = try readFile(torrent)
        #expect(other.announcement.tiers == [["http://first.example/a"]])
        #expect(other.announcement.webSeeds == ["http://one.example/f"])
        #expect(other.isPrivate && other.source == "HERE" && other.announcement.nodes.isEmpty)
        #expect(try !MetainfoCodingTests.read(Sample.singleInfo.with("private", 0)).isPrivate)
    }

    @Test("A machine that cannot hash says so")
    func noHashing() {
        let broken = MetainfoHashing(sha1: { _ in nil }, sha256: { _, _ in nil })
        #expect(throws: MetainfoFailure.hashingFailed) {
            try Metainfo(torrentFile: Sample.torrent(Sample.singleInfo).bytes, hashing: broken)
        }
    }

    @Test("Pieces, files and bytes are counted")
    func limits() throws {
        var limits = MetainfoLimits()
        func info(_ pieces: Int) -> Bencoded {
            [
                "length": .integer(Int64(pieces)), "name": "n", "piece length": 1,
                "pieces": .bytes([UInt8](repeating: 7, count: 20 * pieces)),
            ]
        }
        limits.pieceCount = 1000
        #expect(failure(info(1000), limits: limits) == nil)
        #expect(failure(info(1001), limits: limits) == .tooManyPieces(limit: 1000))
        limits.fileCount = 3
        let paths = [["a"], ["b"], ["c"], ["d"]]
        #expect(failure(Sample.info(paths: Array(paths.prefix(3))), limits: limits) == nil)
        #expect(failure(Sample.info(paths: paths), limits: limits) == .tooManyFiles(limit: 3))
        limits.infoByteCount = 100
        let count = Sample.singleInfo.bytes.count
        #expect(failure(Sample.singleInfo, limits: limits) == .infoTooLong(count: count, limit: 100))
    }
}
