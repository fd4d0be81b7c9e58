import Digests
import EventIO
import Glibc
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing
import TorrentCreation

private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}

private func options(_ version: TorrentVersion, pieceLength: UInt32? = 16384) -> TorrentOptions {
    var options = TorrentOptions()
    options.version = version
    options.pieceLength = pieceLength
    return options
}

private func failure(_ path: String) -> CreationFailure? {
    do throws(CreationFailure) {
        _ = try createTorrent(of: path, options: options(.v1))
        return nil
    } catch {
        return error
    }
}

@Suite("A torrent made of files")
struct CreateTorrentTests {
    static let files: [(String, [UInt8])] = [
        ("b/deep/x", bytes(40_000, seed: 1)), ("a", bytes(300_001, seed: 2)), ("empty", []),
        ("c", bytes(16384, seed: 3)),
        ("b.txt", bytes(1, seed: 4)), ("z", bytes(5_000_000, seed: 5)),
    ]

    /// The files in the order of the torrent.
    private static var ordered: [(String, [UInt8])] {
        files.sorted {
            TorrentBuilder.precedes(
                $0.0.split(separator: "/").map(String.init), $1.0.split(separator: "/").map(String.init))
        }
    }

    @Test("for v1 has the hash of each piece of the files one after another", arguments: [1, 2, 7])
    func v1(threads: Int) throws {
        let folder = SourceFolder("data", Self.files)
        let made = try createTorrent(of: folder.path, options: options(.v1), threads: threads)
        #expect(made.renamed.isEmpty && made.metainfo.name == "data" && made.metainfo.isMultiFile)
        #expect(made.metainfo.files.map(\.path) == Self.ordered.map { "data/" + $0.0 })
        let content = Self.ordered.flatMap(\.1)
        for piece in 0..<made.metainfo.geometry.pieceCount {
            let part = Array(content[(piece * 16384)..<min((piece + 1) * 16384, content.count)])
            #expect(try made.metainfo.v1Hash(ofPiece: piece).map(Array.init) == digest(.sha1, of: part))
        }
        #expect(try Metainfo(torrentFile: made.torrentFile, hashing: .openSSL).id == made.metainfo.id)
    }

    @Test(
        "for v2 has the root of each file's tree", arguments: [TorrentVersion.v2, .hybrid],
        [16384, 65536, 1 << 20] as [UInt32])
    func v2(version: TorrentVersion, pieceLength: UInt32) throws {
        let folder = SourceFolder("data", Self.files)
        let made = try createTorrent(of: folder.path, options: options(version, pieceLength: pieceLength))
        var padded: [UInt8] = []
        for (file, (name, content)) in zip(made.metainfo.files.filter { !$0.isPadding }, Self.ordered) {
            #expect(file.path == "data/" + name && file.length == Int64(content.count))
            if !content.isEmpty {
                padded += [UInt8](
                    repeating: 0,
                    count: (padded.count + Int(pieceLength) - 1) / Int(pieceLength) * Int(pieceLength)
                        - padded.count)
                padded += content
                let root = file.piecesRoot.map { Array(made.metainfo.bytes[$0]) }
                #expect(root == Self.root(content), "\(name)")
            }
        }
        guard version == .hybrid else { return }
        for piece in 0..<made.metainfo.geometry.pieceCount {
            let part = Array(
                padded[(piece * Int(pieceLength))..<min((piece + 1) * Int(pieceLength), padded.count)])
            #expect(try made.metainfo.v1Hash(ofPiece: piece).map(Array.init) == digest(.sha1, of: part))
        }
    }

    /// BEP 52's definition, without piece layers.
    private static func root(_ content: [UInt8]) -> [UInt8]? {
        var level = stride(from: 0, to: content.count, by: 16384).map {
            (try? digest(.sha256, of: Array(content[$0..<min($0 + 16384, content.count)]))) ?? []
        }
        while level.count & (level.count - 1) != 0 { level.append([UInt8](repeating: 0, count: 32)) }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map {
                (try? digest(.sha256, of: level[$0] + level[$0 + 1])) ?? []
            }
        }
        return level.first
    }

    @Test(
        "may be one file, under another name, and has a piece length that fits",
        arguments: [TorrentVersion.v1, .v2, .hybrid])
    func oneFile(version: TorrentVersion) throws {
        let folder = SourceFolder("data", [("f.bin", bytes(100_000, seed: 9))])
        let made = try createTorrent(
            of: folder.path + "/f.bin", name: "g.bin", options: options(version, pieceLength: nil))
        #expect(made.metainfo.files.map(\.path) == ["g.bin"] && !made.metainfo.isMultiFile)
        #expect(made.metainfo.geometry.pieceLength == 16384 && made.metainfo.geometry.pieceCount == 7)
    }

    @Test("tells how far it is, up to the end, and stops when it is told to")
    func progress() throws {
        let folder = SourceFolder("data", Self.files)
        let seen = Lock<[CreationProgress]>([])
        _ = try createTorrent(of: folder.path, options: options(.hybrid)) { progress in
            seen.withLock { $0.append(progress) }
            return true
        }
        let all = seen.withLock { $0 }
        let total = Int64(Self.files.reduce(0) { $0 + $1.1.count })
        #expect(all.map(\.hashedLength).max() == total && all.allSatisfy { $0.totalLength == total })
        #expect(throws: CreationFailure.cancelled) {
            try createTorrent(of: folder.path, options: options(.v1)) { _ in false }
        }
    }

    @Test("keeps names of which clients change some, and says which")
    func renamed() throws {
        let folder = SourceFolder(
            "data", [("A", [1]), ("a", [2]), ("n\u{1}", [3]), ("\u{e9}", [4]), ("e\u{301}", [5])])
        let made = try createTorrent(of: folder.path, options: options(.v1))
        #expect(made.renamed.map(\.from) == ["data/a", "data/n\u{1}", "data/\u{e9}"])
        #expect(made.renamed.map(\.to) == ["data/a.1", "data/n_", "data/\u{e9}.1"])
    }

    @Test("follows links to files and folders, but not around")
    func links() throws {
        let folder = SourceFolder("data", [("real/f", [1, 2, 3])])
        symlink("real", folder.path + "/link")
        symlink("real/f", folder.path + "/file")
        let made = try createTorrent(of: folder.path + "/", options: options(.v1))
        #expect(made.metainfo.files.map(\.path) == ["data/file", "data/link/f", "data/real/f"])
        #expect(made.metainfo.files.allSatisfy { $0.length == 3 && $0.isStored })
        symlink("..", folder.path + "/real/up")
        guard case .tooDeep = failure(folder.path) else { Issue.record("a loop"); return }
    }

    @Test("is refused with the path that is in the way")
    func refused() throws {
        let folder = SourceFolder("data")
        #expect(failure(folder.path) == .cannotBuild(.noContent))
        #expect(failure(folder.path + "/none") == .unreadable(path: folder.path + "/none", errno: ENOENT))
        folder.write("f", [1])
        mkfifo(folder.path + "/pipe", 0o644)
        #expect(failure(folder.path) == .notAFile(path: folder.path + "/pipe"))
        unlink(folder.path + "/pipe")
        symlink("nowhere", folder.path + "/broken")
        #expect(failure(folder.path) == .unreadable(path: folder.path + "/broken", errno: ENOENT))
        unlink(folder.path + "/broken")
        let latin =
            Array(folder.path.utf8).map { CChar(bitPattern: $0) } + [0x2F, CChar(bitPattern: 0xE9), 0]
        close(open(latin, O_CREAT | O_WRONLY, 0o644))
        #expect(failure(folder.path) == .nameNotUTF8(path: folder.path + "/\u{FFFD}"))
        unlink(latin)
        #expect(failure(folder.path) == nil)
        for failure in [
            CreationFailure.changed(path: "p"), .tooDeep(path: "p"), .cancelled, .system("s"),
            .notAFile(path: "p"),
        ] {
            #expect(!failure.description.isEmpty)
        }
    }

    @Test("is refused where a file changes while it is read")
    func changed() throws {
        let folder = SourceFolder("data", [("a", bytes(9_000_000, seed: 1)), ("b", bytes(100, seed: 2))])
        let path = folder.path
        #expect(throws: CreationFailure.changed(path: path + "/b")) {
            try createTorrent(of: path, options: options(.v1), threads: 1) { progress in
                truncate(path + "/b", 50)
                return true
            }
        }
        #expect(throws: CreationFailure.changed(path: path + "/a")) {
            try createTorrent(of: path, options: options(.v1), threads: 1) { progress in
                truncate(path + "/a", 9_000_001)
                return true
            }
        }
    }
}
