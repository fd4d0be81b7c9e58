import BencodeCoding
import MetainfoCoding
import SwarmTypes
import Testing

/// The classes of odd and hostile torrents that libtorrent and Transmission test with, under their names for them, made
/// from bytes of our own: what is refused, and what is taken with which paths.
@Suite("The corpus of odd torrents and links")
struct HostileCorpusTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        /// Nil where it is refused.
        var paths: [String]?

        init(_ name: String, info: Bencoded, _ paths: [String]? = nil) {
            self.init(name, Sample.torrent(info), paths)
        }

        init(_ name: String, _ torrent: Bencoded, _ paths: [String]? = nil) {
            (self.name, self.bytes, self.paths) = (name, torrent.bytes, paths)
        }

        var testDescription: String { "\(self.name): \(self.paths == nil ? "refused" : "taken")" }
    }

    private static let one = Sample.singleInfo
    private static let two = VersionTwo.info(hybrid: false)
    private static let both = VersionTwo.info(hybrid: true)

    private static func path(_ path: String...) -> Bencoded { Sample.info(paths: [path]) }
    private static func link(_ target: Bencoded?) -> Bencoded {
        let link: Bencoded = ["attr": "l", "length": 0, "path": ["l"]]
        return Sample.info(files: [["length": 5, "path": ["x"]], link.with("symlink path", target)])
    }
    private static func tree(_ key: String, _ value: Bencoded) -> Bencoded {
        two.with("file tree", VersionTwo.tree.with(key, value))
    }
    private static func file(_ key: String, _ value: Bencoded?) -> Bencoded {
        let good: Bencoded = [
            "length": 20_000, "pieces root": .bytes(VersionTwo.root(VersionTwo.second, leaves: 2)),
        ]
        return tree("z", ["": good.with(key, value)])
    }
    private static let deep = (0..<200).reduce(["": ["length": 0]] as Bencoded) { tree, _ in ["d": tree] }

    static let refused: [Case] = [
        Case("missing_piece_len", info: one.with("piece length", nil)),
        Case("invalid_piece_len", info: one.with("piece length", "x")),
        Case("negative_piece_len", info: one.with("piece length", -1)),
        Case("no_name", info: one.with("name", nil)), Case("bad_name", info: one.with("name", 7)),
        Case("invalid_name", info: one.with("name", ["n"])),
        Case("invalid_info", ["info": ["x"]]), Case("string", "a torrent"),
        Case("negative_size", info: one.with("length", -100)),
        Case("negative_file_size", info: Sample.info(files: [["length": -1, "path": ["a"]]])),
        Case("invalid_file_size", info: Sample.info(files: [["length": "9", "path": ["a"]]])),
        Case("zero", info: one.with("length", 0)),
        Case("zero2", info: Sample.info(files: [["length": 0, "path": ["a"]]])),
        Case("invalid_path_list", info: Sample.info(files: [["length": 1, "path": ["a", ["b"]]]])),
        Case("missing_path_list", info: Sample.info(files: [["length": 1]])),
        Case("invalid_symlink", info: link([7])), Case("symlink without a target", info: link(nil)),
        Case("invalid_pieces", info: one.with("pieces", 5)),
        Case("unaligned_pieces", info: one.with("pieces", "12345")),
        Case("too-few-pieces", info: one.with("pieces", Sample.pieces(3))),
        Case("too-many-pieces", info: one.with("pieces", Sample.pieces(5))),
        Case("no_files", info: Sample.info(files: [])),
        Case("duplicate_files2", info: Sample.info(paths: [[String]](repeating: ["x"], count: 600))),
        Case("many_pieces", info: one.with("length", .integer(1 << 50))),
        Case(
            "dup-pieces-key",
            info: .raw(Array("d6:lengthi1e4:name1:n12:piece lengthi1e6:pieces0:6:pieces0:e".utf8))),
        Case("v2_mismatching_metadata", info: both.with("files", [["length": 1, "path": ["a"]]])),
        Case(
            "v2_bad_file_alignment",
            info: both.with(
                "files",
                [
                    ["length": 70_000, "path": ["a"]], ["length": 20_000, "path": ["b", "c"]],
                    ["length": 0, "path": ["b", "d"]],
                ])),
        Case("v2_no_power2_piece", info: two.with("piece length", 49152)),
        Case("v2_piece_size", info: two.with("piece length", 8192)),
        Case("v2_invalid_file", info: tree("z", 7)),
        Case("v2_empty_filename", info: tree("z", ["": ["": ["length": 0]]])),
        Case("v2_deep_recursion", info: tree("z", deep)),
        Case(
            "v2_unordered_files",
            info: [
                "file tree": .dictionary(Array(VersionTwo.members.reversed())), "meta version": 2,
                "name": "n", "piece length": 32768,
            ]),
        Case("v2_overlong_integer", info: two.with("piece length", .raw(Array("i0032768e".utf8)))),
        Case("v2_missing_file_root", info: file("pieces root", nil)),
        Case("v2_invalid_symlink", info: file("attr", "l")),
        Case("v2_zero_root", info: file("pieces root", .bytes([UInt8](repeating: 0, count: 32)))),
        Case("v2_invalid_root_hash", info: file("pieces root", "short")),
        Case("v2_large_file", info: file("length", .integer(.max))),
        Case("v2_large_offset", info: file("length", .integer(1 << 62))),
        Case("v2_invalid_pad_file", info: file("attr", "p")),
        Case("v2_invalid_piece_layer", VersionTwo.torrent(two, layers: ["x": 5])),
        Case(
            "v2_invalid_piece_layer_root",
            VersionTwo.torrent(two, layers: ["short": .bytes(VersionTwo.layer)])),
        Case(
            "v2_unknown_piece_layer_entry",
            VersionTwo.torrent(
                two, layers: .dictionary([([UInt8](repeating: 9, count: 32), .bytes(VersionTwo.layer))]))),
        Case(
            "v2_invalid_piece_layer_size",
            VersionTwo.torrent(
                two, layers: .dictionary([(VersionTwo.firstRoot, .bytes(Array(VersionTwo.layer.prefix(64))))])
            )),
        Case(
            "v2_non_multiple_piece_layer",
            VersionTwo.torrent(
                two, layers: .dictionary([(VersionTwo.firstRoot, .bytes(Array(VersionTwo.layer.dropLast())))])
            )),
        Case(
            "v2_piece_layer_invalid_file_hash",
            VersionTwo.torrent(
                two, layers: .dictionary([(VersionTwo.firstRoot, .bytes([UInt8](repeating: 3, count: 96)))]))),
    ]

    static let taken: [Case] = [
        Case("empty_path", info: path("", "bar"), ["root/_/bar"]),
        Case("parent_path", info: path("..", "bar"), ["root/_/bar"]),
        Case("hidden_parent_path", info: path("..\0", "bar"), ["root/_/bar"]),
        Case("slash_path", info: path("/", "/", "bar"), ["root/_/_/bar"]),
        Case("slash_path2", info: path("////../"), ["root/_"]),
        Case("slash_path3", info: path("../../abc"), ["root/....abc"]),
        Case("backslash_path", info: path("..\\..\\abc"), ["root/....abc"]),
        Case("absolute_filename", info: path("/abcde"), ["root/abcde"]),
        Case("a drive", info: path("C:\\Windows", "x"), ["root/C:Windows/x"]),
        Case("a share", info: path("\\\\srv\\x"), ["root/srvx"]),
        Case("dots that are none", info: path("foo... bar"), ["root/foo... bar"]),
        Case("a reserved name", info: path("CON", "aux.txt"), ["root/CON/aux.txt"]),
        Case("a terminal's sequence", info: path("\u{1B}[2Jx"), ["root/_[2Jx"]),
        Case("a change of writing direction", info: path("\u{202E}gpj.exe"), ["root/gpj.exe"]),
        Case("two dots in one letter", info: path("\u{2025}"), ["root/\u{2025}"]),
        Case(
            "bad-utf8-path",
            info: Sample.info(files: [["length": 1, "path": [.bytes([0x61, 0xFF, 0x62])]]]), ["root/a_b"]),
        Case(
            "overlong dots",
            info: Sample.info(files: [["length": 1, "path": [.bytes([0xC0, 0xAE, 0xC0, 0xAE])]]]),
            ["root/____"]),
        Case(
            "duplicate_files", info: Sample.info(paths: [["bar.txt"], ["bar.txt"]]),
            ["root/bar.txt", "root/bar.1.txt"]),
        Case("names that differ in case", info: Sample.info(paths: [["A"], ["a"]]), ["root/A", "root/a.1"]),
        Case(
            "names that differ in composition", info: Sample.info(paths: [["\u{e9}"], ["e\u{301}"]]),
            ["root/\u{e9}", "root/e\u{301}.1"]),
        Case(
            "a file where a folder must be", info: Sample.info(paths: [["a"], ["a", "b"]]),
            ["root/a.1", "root/a/b"]),
        Case(
            "pad_file_no_path",
            info: Sample.info(files: [["length": 5, "path": ["x"]], ["attr": "p", "length": 3]]),
            ["root/x", "root/.pad/3"]),
        Case(
            "empty-files",
            info: Sample.info(files: [["length": 0, "path": ["e"]], ["length": 5, "path": ["x"]]]),
            ["root/e", "root/x"]),
        Case("symlink inside", info: link(["x"]), ["root/x", "root/l"]),
        Case(
            "symlink outward, which stays inside", info: link(["..", "..", "etc", "passwd"]),
            ["root/x", "root/l"]),
        Case("symlink to itself", info: link(["l"]), ["root/x", "root/l"]),
        Case("a name of the parent", info: Sample.info(paths: [["a"]], name: "../.."), ["..../a"]),
        Case(
            "long_name", info: path(String(repeating: "x", count: 300) + ".txt"),
            ["root/" + String(repeating: "x", count: 240) + ".txt"]),
        Case("unordered", info: .dictionary(Sample.members.reversed()), ["file.bin"]),
        Case("v2", VersionTwo.torrent(two), ["two/a", "two/b/c", "two/b/d"]),
        Case(
            "v2 keys that lead out", info: tree("z", ["..": ["": ["length": 0]]]),
            ["two/a", "two/b/c", "two/b/d", "two/z/_"]),
        Case(
            "v2 keys with separators", info: tree("z/../../q", ["": ["length": 0]]),
            ["two/a", "two/b/c", "two/b/d", "two/z....q"]),
        Case(
            "v2_symlinks", info: tree("z", ["": ["attr": "l", "length": 0, "symlink path": ["..", "a"]]]),
            ["two/a", "two/b/c", "two/b/d", "two/z"]),
        Case("v2_no_piece_layers", info: two, ["two/a", "two/b/c", "two/b/d"]),
        Case("v2_hybrid", VersionTwo.torrent(both), ["two/a", "two/.pad/28304", "two/b/c", "two/b/d"]),
    ]

    @Test(
        "is refused or taken as it should be, and nothing of it leaves the torrent's folder",
        arguments: refused + taken)
    func verdict(_ example: Case) throws {
        guard let paths = example.paths else {
            let failure = try #require(fileFailure(example.bytes))
            #expect(!failure.description.isEmpty)
            return
        }
        let torrent = try Metainfo(torrentFile: example.bytes, hashing: .forTests)
        #expect(
            torrent.files.map { Array($0.path.utf8) } == paths.map { Array($0.utf8) },
            "\(torrent.files.map(\.path))")
        for path in torrent.files.flatMap({ [$0.path, $0.symlinkTarget ?? "x"] }) {
            let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            for component in components.map({ String(Substring($0)) }) {
                #expect(!["", ".", ".."].contains(component) && component.utf8.count <= 255, "\(path)")
            }
            #expect(path.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        }
    }

    private static let hash = String(repeating: "a1", count: 20)

    @Test(
        "of magnet links is refused, or keeps only what is harmless",
        arguments: [
            ("", nil), ("magnet:", nil), ("magnet:?", nil), ("magnet:?dn=x", nil), ("http://x/", nil),
            ("magnet:?xt=urn:btih:" + hash.dropLast(), nil), ("magnet:?xt=urn:btih:\(hash)0", nil),
            ("magnet:?xt=urn:btih:" + String(repeating: "z", count: 40), nil),
            ("magnet:?xt=urn:btmh:1220\(hash)", nil), ("magnet:?xt=urn:btmh:12ff\(hash)", nil),
            ("magnet:?xt=urn:btih:\(hash)&xt=urn:btih:" + String(hash.reversed()), nil),
            ("magnet:?xt=urn:btih:\(hash)&so=5-1", nil),
            ("magnet:?xt=urn:btih:\(hash)&so=99999999999999999999", nil),
            ("magnet:?xt=urn:btih:\(hash)&dn=" + String(repeating: "x", count: 200_000), nil),
            ("magnet:?xt=urn:btih:\(hash)", 0),
            ("magnet:?xt=urn:btih:\(hash.uppercased())&dn=..%2F..%2Fetc", 0),
            ("magnet:?xt=urn:btih:\(hash)&tr=file:///etc/passwd&tr=javascript:1&tr=ws://x/", 0),
            ("magnet:?xt=urn:btih:\(hash)&tr=http%3A%2F%2Ft.example%2Fa%0D%0AX:%201", 0),
            ("magnet:?xt=urn:btih:\(hash)&tr=http%3A%2F%2Ft.example%2Fa&tr=http%3A%2F%2Ft.example%2Fa", 1),
            ("magnet:?xt=urn:btih:\(hash)&x.pe=999.1.1.1:1&x.pe=1.2.3.4:0&x.pe=:5&x.pe=1.2.3.4:99999", 0),
            ("magnet:?xt=urn:btih:\(hash)&ws=file:///etc/passwd&ws=gopher://x/", 0),
            ("magnet:?xt=urn:btih:\(hash)&&&=&%", 0),
        ] as [(String, Int?)])
    func links(text: String, trackers: Int?) throws {
        guard let trackers else {
            #expect(throws: MagnetFailure.self) { try MagnetLink(text) }
            return
        }
        let link = try MagnetLink(text)
        #expect(link.trackers.count == trackers && link.webSeeds.isEmpty, "\(link.trackers) \(link.webSeeds)")
        #expect(link.peers.allSatisfy { $0.port > 0 })
        #expect(!link.trackers.joined().unicodeScalars.contains { $0.value <= 0x20 })
    }
}

extension VersionTwo {
    fileprivate static var members: [(key: [UInt8], value: Bencoded)] {
        guard case .dictionary(let members) = tree else { return [] }
        return members
    }
}

extension Sample {
    fileprivate static var members: [(key: [UInt8], value: Bencoded)] {
        guard case .dictionary(let members) = singleInfo else { return [] }
        return members
    }
}
