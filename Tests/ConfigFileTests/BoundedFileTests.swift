import Foundation
import Testing

@testable import ConfigFile

@Suite("A file")
struct BoundedFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    }

    @Test("is read up to its limit")
    func limit() throws {
        let path = self.folder.appending(path: "f").path
        try Data(repeating: 0x61, count: 100_000).write(to: URL(filePath: path))
        #expect(try readFile(path, limit: 100_000).count == 100_000)
        #expect(throws: FileReadFailure.tooLarge(limit: 99_999)) { try readFile(path, limit: 99_999) }
    }

    @Test("that is missing, a folder, a pipe or a device is refused without waiting")
    func notAFile() throws {
        let pipe = self.folder.appending(path: "pipe").path
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(throws: FileReadFailure.unreadable(errno: ENOENT)) {
            try readFile("/nonexistent/x", limit: 10)
        }
        #expect(throws: FileReadFailure.notAFile) { try readFile("/dev/zero", limit: 10) }
        #expect(throws: FileReadFailure.notAFile) { try readFile(pipe, limit: 10) }
        #expect(throws: FileReadFailure.notAFile) { try readFile(folder.path, limit: 10) }
    }
}
