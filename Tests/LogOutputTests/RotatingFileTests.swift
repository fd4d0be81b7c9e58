import Foundation
import TestKit
import Testing

@testable import LogOutput

@Suite("Log files that are put aside")
struct RotatingFileTests {
    let folder: Folder

    init() throws { self.folder = try Folder() }

    private var path: String { self.folder.path + "/log" }

    @Test("No file grows beyond its limit, the youngest lines are kept, in order", arguments: 0..<200)
    func rotation(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (limit, backups) = (
            Int.random(in: 10...60, using: &random), Int.random(in: 1...3, using: &random)
        )
        var lines: [String] = []
        var file = RotatingFile(path: self.path, maximumBytes: limit, backupCount: backups)
        for number in 0..<Int.random(in: 1...40, using: &random) {
            let line =
                "\(number)" + String(repeating: "x", count: Int.random(in: 0...7, using: &random)) + "\n"
            lines.append(line)
            try file.write(Array(line.utf8))
            // A new owner goes on where the last one stopped.
            if Int.random(in: 0..<8, using: &random) == 0 {
                file = RotatingFile(path: self.path, maximumBytes: limit, backupCount: backups)
            }
        }
        let names = (1...backups).reversed().map { "log.\($0)" } + ["log"]
        let texts = names.compactMap { self.folder.text($0) }
        #expect(texts.allSatisfy { $0.utf8.count <= limit })
        #expect(lines.joined().hasSuffix(texts.joined()))
        #expect(texts.last?.isEmpty == false)
        #expect(self.folder.names.allSatisfy { names.contains($0) })
    }

    @Test("Without backups a full file starts anew; without a limit it only grows")
    func noBackups() throws {
        var file = RotatingFile(path: self.path, maximumBytes: 10, backupCount: 0)
        try file.write(Array("12345678\n".utf8))
        try file.write(Array("9\n".utf8))
        #expect(self.folder.text("log") == "9\n")
        #expect(self.folder.names == ["log"])

        var unlimited = RotatingFile(LogFileSettings(path: self.path + "2", maximumMegabytes: 0))
        for _ in 0..<100 { try unlimited.write(Array(repeating: 0x61, count: 50_000)) }
        #expect(self.folder.names == ["log", "log2"])
    }

    @Test("A folder that is missing is made")
    func missingFolder() throws {
        var file = RotatingFile(path: self.folder.path + "/a/b/log", maximumBytes: 1000, backupCount: 1)
        try file.write(Array("one\n".utf8))
        #expect(self.folder.text("a/b/log") == "one\n")
    }

    @Test("A file that someone moved away, deleted or replaced is opened anew")
    func movedAway() throws {
        var file = RotatingFile(path: self.path, maximumBytes: 1000, backupCount: 1)
        try file.write(Array("one\n".utf8))
        try FileManager.default.moveItem(atPath: self.path, toPath: self.path + ".old")
        try file.write(Array("two\n".utf8))
        try FileManager.default.removeItem(atPath: self.path)
        try file.write(Array("three\n".utf8))
        #expect(self.folder.text("log.old") == "one\n")
        #expect(self.folder.text("log") == "three\n")
    }

    @Test("A file that cannot be put aside is written on, and says so")
    func cannotRotate() throws {
        // A directory stands where the backup would go, and is not empty.
        try FileManager.default.createDirectory(atPath: self.path + ".1/x", withIntermediateDirectories: true)
        var file = RotatingFile(path: self.path, maximumBytes: 4, backupCount: 1)
        try file.write(Array("one\n".utf8))
        var failure: RotatingFile.Failure?
        do throws(RotatingFile.Failure) { try file.write(Array("two\n".utf8)) } catch { failure = error }
        #expect(failure == RotatingFile.Failure(call: "rename", code: EISDIR))
        #expect(self.folder.text("log") == "one\ntwo\n")
    }
}
