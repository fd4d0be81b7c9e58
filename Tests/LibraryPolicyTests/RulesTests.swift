import LibraryPolicy
import TestKit
import Testing

@Suite("Rules of a library")
struct RulesTests {
    @Test("A torrent has given enough when the first of its bounds is reached")
    func shares() {
        let record = ShareRecord(ratio: 1.5, seedingSeconds: 3600, inactiveSeconds: 600)
        #expect(reachedBound(record, ShareBounds()) == nil)
        #expect(reachedBound(record, ShareBounds(ratio: 1.5)) == .ratio)
        #expect(reachedBound(record, ShareBounds(ratio: 1.6)) == nil)
        #expect(reachedBound(record, ShareBounds(ratio: 2, seedingMinutes: 60)) == .seedingTime)
        #expect(reachedBound(record, ShareBounds(seedingMinutes: 61, inactiveMinutes: 10)) == .inactivity)
        #expect(reachedBound(record, ShareBounds(inactiveMinutes: 11)) == nil)
        let infinite = ShareRecord(ratio: nil, seedingSeconds: 0, inactiveSeconds: 0)
        #expect(reachedBound(infinite, ShareBounds(ratio: 100)) == .ratio)
        #expect(reachedBound(infinite, ShareBounds(seedingMinutes: 0)) == .seedingTime)
    }

    @Test("A managed torrent lies where its category says, a relative folder below the usual one")
    func folders() {
        #expect(managedFolder(categoryFolder: nil, usual: "/d") == "/d")
        #expect(managedFolder(categoryFolder: "", usual: "/d") == "/d")
        #expect(managedFolder(categoryFolder: "films", usual: "/d") == "/d/films")
        #expect(managedFolder(categoryFolder: "/x", usual: "/d") == "/x")
        #expect(joinedPath("/", "a") == "/a")
    }

    @Test("Renaming a folder takes all that is in it along, and nothing else")
    func renaming() throws {
        let paths = ["t/a/1", "t/a/2", "t/ab/3", "t/4"]
        #expect(try renamedPaths(paths, from: "t/a", to: "t/b") == [0: "t/b/1", 1: "t/b/2"])
        #expect(try renamedPaths(paths, from: "t", to: "u").count == 4)
        #expect(try renamedPaths(paths, from: "t/4", to: "t/new/5") == [3: "t/new/5"])
        #expect(try renamedPaths(paths, from: "t/4", to: "t/4") == [:])
        #expect(throws: RenameProblem.noSuchPath) { try renamedPaths(paths, from: "t/x", to: "t/y") }
        #expect(throws: RenameProblem.taken) { try renamedPaths(paths, from: "t/4", to: "t/a/1") }
        #expect(throws: RenameProblem.taken) { try renamedPaths(paths, from: "t/4", to: "t/a") }
        #expect(throws: RenameProblem.taken) { try renamedPaths(paths, from: "t/4", to: "t/a/1/x") }
    }

    @Test(
        "No path leads out of its folder",
        arguments: ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.", "a\u{0}b", "a\nb"])
    func unsafePaths(path: String) {
        #expect(!isSafePath(path))
        #expect(throws: RenameProblem.unsafe) { try renamedPaths(["x"], from: "x", to: path) }
    }

    @Test("Renaming there and back is no change", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let paths = Array(
            Set(
                (0..<10).map { _ in
                    (0..<Int.random(in: 2...4, using: &random)).map { depth in
                        depth == 0 ? "t" : ["a", "b", "c"].randomElement(using: &random) ?? ""
                    }.joined(separator: "/") + "/\(Int.random(in: 0..<100, using: &random))"
                })
        ).sorted()
        let old = paths[0].split(separator: "/").dropLast().joined(separator: "/")
        var renamed = paths
        for (file, path) in try renamedPaths(paths, from: old, to: "t/new") { renamed[file] = path }
        #expect(Set(renamed).count == paths.count)
        for (file, path) in try renamedPaths(renamed, from: "t/new", to: old) { renamed[file] = path }
        #expect(renamed == paths)
    }
}
