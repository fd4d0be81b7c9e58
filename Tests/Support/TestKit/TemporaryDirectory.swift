import Foundation

/// A new directory that is removed, with all that is in it, when the last reference goes.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "weir-test-\(UUID().uuidString)")
        self.path = url.path
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            preconditionFailure("no temporary directory can be made: \(error)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    public func file(_ name: String) -> String { self.path + "/" + name }
}
