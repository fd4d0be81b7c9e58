import CDashboardFiles
import Digests

/// A file of the dashboard: a page of plain HTML, CSS and ES modules that needs no build step and loads nothing from
/// elsewhere.
public struct DashboardFile: Sendable {
    /// Where it is served, exactly.
    public let path: String
    /// With its character set.
    public let type: String
    /// Another one for other bytes, in quotes.
    public let tag: String
    public let bytes: [UInt8]

    /// All of them; the page itself has the path "/".
    public static let all: [DashboardFile] = {
        var files: [DashboardFile] = []
        while let file = weir_dashboard_file_at(files.count)?.pointee {
            let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
            files.append(
                DashboardFile(
                    path: String(cString: file.path), type: String(cString: file.type),
                    tag: Self.tag(of: bytes),
                    bytes: bytes))
        }
        return files
    }()

    private static func tag(of bytes: [UInt8]) -> String {
        // Without the digest (a library that forbids it) the file is sent anew with each request.
        guard let digest = try? digest(.sha256, of: bytes) else { return "\"-\"" }
        let digits = digest.prefix(12).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "\"\(digits.joined())\""
    }
}
