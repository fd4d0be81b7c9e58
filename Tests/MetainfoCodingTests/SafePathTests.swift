import MetainfoCoding
import SwarmTypes
import TestKit
import Testing

@Suite("Names of files")
struct SafePathTests {
    @Test(
        "lead nowhere but below the torrent's folder",
        arguments: [
            (["..", "x"], "root/_/x"), ([".", "x"], "root/_/x"), (["", "x"], "root/_/x"),
            (["x", ""], "root/x/_"),
            (["/"], "root/_"), (["/", "/", "bar"], "root/_/_/bar"), (["a/../../b"], "root/a....b"),
            (["/etc/passwd"], "root/etcpasswd"), (["a\\..\\b"], "root/a..b"), (["..\\x"], "root/..x"),
            (["/.."], "root/_"), ([".\0."], "root/_"), ([".\u{202E}."], "root/_"), (["\\"], "root/_"),
            (["C:\\x"], "root/C:x"), (["\\\\srv\\x"], "root/srvx"), (["foo... bar"], "root/foo... bar"),
            (["...", ".hidden"], "root/.../.hidden"), (["\u{2025}"], "root/\u{2025}"),
            (["a\u{1}b\nc\u{7F}d\u{85}"], "root/a_b_c_d_"), (["x\u{202E}gpj.exe"], "root/xgpj.exe"),
            (["x\0y"], "root/xy"), ([" sp "], "root/ sp "), (["CON"], "root/CON"), (["日本語"], "root/日本語"),
            (["a\u{2028}b"], "root/a_b"), (["\u{301}x"], "root/\u{301}x"),
        ] as [([String], String)])
    func cleaning(path: [String], result: String) throws {
        let file = try #require(try read(Sample.info(paths: [path])).files.first)
        #expect(file.path.utf8.elementsEqual(result.utf8), "\(file.path)")
        #expect(file.components.count == path.count + 1)
    }

    @Test(
        "that are no UTF-8, overlong forms too, are replaced",
        arguments: [
            ([0x62, 0xFF, 0x2E], "b_."), ([0xC0, 0xAE, 0xC0, 0xAE], "____"), ([0xC0, 0xAF], "__"),
            ([0xE2, 0x80], "_"), ([0xED, 0xA0, 0x80], "___"),
        ] as [([UInt8], String)])
    func invalidUTF8(bytes: [UInt8], result: String) throws {
        let info = Sample.info(files: [["length": 1, "path": [.bytes(bytes)]]])
        #expect(try read(info).files[0].path == "root/" + result)
    }

    @Test("of a torrent itself are cleaned, and give way to its hash where nothing is left")
    func torrentNames() throws {
        func name(_ name: String) throws -> String {
            try read(Sample.singleInfo.with("name", .init(stringLiteral: name))).name
        }
        #expect(try name("../x") == "..x")
        #expect(try name("trail ") == "trail ")
        for empty in ["", ".", "..", "/", "\\..", "\0", "\u{202E}"] {
            let info = Sample.singleInfo.with("name", .init(stringLiteral: empty))
            let torrent = try read(info)
            #expect(torrent.name == torrent.id.hex && torrent.files[0].path == torrent.id.hex)
        }
        let several = try read(Sample.info(paths: [["a"]], name: ".."))
        #expect(several.files[0].path == several.id.hex + "/a")
    }

    @Test("that are too long are cut between letters, where libtorrent cuts them")
    func longNames() throws {
        func name(_ name: String) throws -> String {
            try String(read(Sample.info(paths: [[name]])).files[0].path.dropFirst(5))
        }
        func x(_ count: Int) -> String { String(repeating: "x", count: count) }
        #expect(try name(x(240)) == x(240) && name(x(236) + ".txt") == x(236) + ".txt")
        #expect(try name(x(300)) == x(240) && name(x(300) + ".txt") == x(240) + ".txt")
        // Only where the extension lies behind the cut, and is short.
        #expect(try name(x(237) + ".txt") == x(237) + ".tx" && name(x(300) + ".longextension") == x(240))
        #expect(
            try name(x(300) + ".12345678") == x(240) + ".12345678" && name(x(300) + ".123456789") == x(240))
        #expect(try name(x(239) + "é.txt") == x(239) + "é.txt")
        #expect(try name(String(repeating: "é", count: 200)) == String(repeating: "é", count: 120))
        let wide = x(239) + "\u{10FFFF}.12345678"
        let files = try read(Sample.info(paths: [[String]](repeating: [wide], count: 120))).files
        #expect(
            Set(files.map(\.path)).count == 120 && files.allSatisfy { $0.components[1].utf8.count <= 255 })
    }

    @Test(
        "that are taken make way, also by case, by composition and where another needs a folder",
        arguments: [
            ([["bar.txt"], ["bar.txt"]], ["bar.txt", "bar.1.txt"]),
            ([["A.txt"], ["a.txt"]], ["A.txt", "a.1.txt"]),
            ([["a"], ["a"], ["a"], ["a.1"]], ["a", "a.1", "a.2", "a.1.1"]),
            ([["a"], ["a", "b"]], ["a.1", "a/b"]),
            ([["a", "b"], ["a"]], ["a/b", "a.1"]), ([["D", "x"], ["d", "x"]], ["D/x", "d/x.1"]),
            ([["\u{e9}"], ["e\u{301}"]], ["\u{e9}", "e\u{301}.1"]), ([["x\0"], ["x"]], ["x", "x.1"]),
            ([["a.1", "z"], ["a"], ["a"]], ["a.1/z", "a", "a.2"]),
            ([["d.x", "f"], ["d.x", "F"]], ["d.x/f", "d.x/F.1"]),
            ([[".hid"], [".hid"]], [".hid", ".1.hid"]),
        ] as [([[String]], [String])])
    func collisions(paths: [[String]], results: [String]) throws {
        let found = try read(Sample.info(paths: paths)).files.map { String($0.path.dropFirst(5)) }
        #expect(found.map { Array($0.utf8) } == results.map { Array($0.utf8) }, "\(found)")
    }

    @Test("of padding do not matter")
    func padding() throws {
        let torrent = try read(
            Sample.info(files: [
                ["attr": "p", "length": 5, "path": ["x"]], ["length": 5, "path": ["x"]],
                ["attr": "p", "length": 5, "path": ["x", "y"]],
            ]))
        #expect(torrent.files[1].path == "root/x")
    }

    @Test("of links are cleaned as those of files are")
    func links() throws {
        let torrent = try read(
            Sample.info(files: [
                ["length": 5, "path": ["x"]],
                ["attr": "l", "length": 0, "path": ["l"], "symlink path": ["..", "..", "etc"]],
                ["attr": "l", "length": 9, "path": ["m"], "symlink path": ["/etc/passwd"]],
            ]))
        #expect(torrent.files.map(\.symlinkTarget) == [nil, "root/_/_/etc", "root/etcpasswd"])
        #expect(torrent.files.map(\.length) == [5, 0, 0])
    }

    /// Names from few pieces, so that many collide.
    private static let pieces = [
        "a", "A", "b.txt", "B.TXT", "..", "", "/", "a.1", "é", "e\u{301}", "a\0", ".", "\u{202E}a",
    ]

    @Test("never meet, never leave, and are the same each time", arguments: 0..<300 as Range<UInt64>)
    func properties(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let paths = (0..<Int.random(in: 1...30, using: &random)).map { _ in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                Self.pieces[Int.random(in: Self.pieces.indices, using: &random)]
            }
        }
        let files = try read(Sample.info(paths: paths)).files
        var taken: Set<String> = []
        var folders: Set<String> = []
        for file in files {
            #expect(file.components.first == "root")
            #expect(
                !file.components.contains {
                    ["", ".", ".."].contains($0) || $0.contains("/") || $0.contains("\0")
                })
            #expect(taken.insert(file.path.lowercased()).inserted, "\(file.path) twice in \(paths)")
            for end in 1..<file.components.count {
                folders.insert(file.components.prefix(end).joined(separator: "/").lowercased())
            }
        }
        #expect(taken.isDisjoint(with: folders), "\(paths)")
        #expect(try read(Sample.info(paths: paths)).files == files)
    }
}
