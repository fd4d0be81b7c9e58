import Foundation
import Testing

@testable import Dashboard

@Suite("The dashboard's files")
struct DashboardFileTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "Sources/Dashboard/Web")

    /// As the folder has them.
    private func source(of file: DashboardFile) throws -> Data {
        let name = file.path == "/" ? "index.html" : String(file.path.dropFirst())
        return try Data(contentsOf: Self.folder.appendingPathComponent(name))
    }

    @Test("The program holds each file of the folder, byte for byte, and no other")
    func complete() throws {
        var found: Set<String> = []
        for case let path as String in FileManager.default.enumerator(atPath: Self.folder.path) ?? .init()
        where path.contains(".") {
            found.insert(path == "index.html" ? "/" : "/" + path)
        }
        #expect(Set(DashboardFile.all.map(\.path)) == found)
        #expect(Set(DashboardFile.all.map(\.path)).count == DashboardFile.all.count)
        for file in DashboardFile.all {
            #expect(try Array(self.source(of: file)) == file.bytes, "\(file.path)")
        }
    }

    @Test("Each has the type that a browser wants, and a tag of its own")
    func types() {
        for file in DashboardFile.all {
            let type =
                switch file.path.split(separator: ".").last {
                case "js": "text/javascript; charset=utf-8"
                case "css": "text/css; charset=utf-8"
                case "svg": "image/svg+xml"
                case "webmanifest": "application/manifest+json"
                default: "text/html; charset=utf-8"
                }
            #expect(file.type == type, "\(file.path)")
            #expect(file.tag.utf8.count == 26 && file.tag.hasPrefix("\"") && file.tag.hasSuffix("\""))
        }
        #expect(Set(DashboardFile.all.map(\.tag)).count == DashboardFile.all.count)
    }

    @Test("All together are small")
    func size() { #expect(DashboardFile.all.reduce(0) { $0 + $1.bytes.count } < 150_000) }

    @Test("No file has an inline script or style, writes HTML from text, or names another origin")
    func purity() {
        for file in DashboardFile.all {
            let text = String(decoding: file.bytes, as: UTF8.self)
            for word in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                "localStorage.setItem(\"key", " onclick=", " onload=", " onerror=", "<style", " style=",
                "javascript:",
            ] { #expect(!text.contains(word), "\(file.path) has \(word)") }
            for part in text.components(separatedBy: "http").dropFirst()
            where part.hasPrefix("://") || part.hasPrefix("s://") {
                // The namespace of SVG is a name, not an address, and people see what links look like.
                let isHarmless = part.hasPrefix("://www.w3.org/2000/svg") || part.hasPrefix("s://…")
                #expect(isHarmless, "\(file.path) names http\(part.prefix(40))")
            }
            if file.path == "/" { #expect(!text.contains("<script>") && text.contains("type=\"module\"")) }
        }
    }

    @Test("Modules are small")
    func lengths() {
        for file in DashboardFile.all where file.path.hasSuffix(".js") {
            let lines = file.bytes.count { $0 == UInt8(ascii: "\n") }
            #expect(lines <= 220, "\(file.path) has \(lines) lines")
        }
    }
}
