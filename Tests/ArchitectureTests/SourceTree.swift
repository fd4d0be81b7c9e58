import Foundation

/// One Swift file of the tree.
struct SourceFile {
    /// The folder below `Sources/` or `Tests/` that it belongs to.
    var module: String
    /// Relative to the root of the repository.
    var path: String
    var lines: [String]

    /// The modules it imports, whatever the access level or attribute.
    var imports: [String] {
        self.lines.compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
            guard words[..<keyword].allSatisfy({ $0.hasPrefix("@") || Self.importModifiers.contains($0) })
            else {
                return nil
            }
            let named = words.dropFirst(keyword + 1).first { !Self.importKinds.contains($0) }
            return named?.split(separator: ".").first.map(String.init)
        }
    }

    /// The lines without comments that take the whole line.
    var code: [String] { self.lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") } }

    private static let importModifiers: Set<Substring> = [
        "public", "package", "internal", "private", "fileprivate",
    ]
    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "func", "protocol", "var", "let",
    ]
}

enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func swiftFiles(below folder: String) throws -> [SourceFile] {
        let base = self.root.appendingPathComponent(folder)
        var files: [SourceFile] = []
        for case let path as String in FileManager.default.enumerator(atPath: base.path) ?? .init() {
            guard path.hasSuffix(".swift") else { continue }
            let text = try String(contentsOf: base.appendingPathComponent(path), encoding: .utf8)
            files.append(
                SourceFile(
                    module: String(path.split(separator: "/")[0]), path: folder + "/" + path,
                    lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
        }
        return files
    }
}
