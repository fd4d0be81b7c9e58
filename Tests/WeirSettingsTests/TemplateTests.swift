import ConfigFile
import Foundation
import Testing

@testable import WeirSettings

@Suite("The template of a new configuration")
struct TemplateTests {
    private let environment = ["QBIT_PASSWORD": "x"]

    @Test("loads to the defaults without a warning")
    func loads() throws {
        let loaded = try load(Settings.template, environment: self.environment)
        var expected = Settings.templateSettings
        expected.instances[0].password = "x"
        #expect(loaded.settings == expected)
        #expect(loaded.settings.global == GlobalSettings())
        #expect(loaded.warnings == [])
    }

    @Test("means the same with every comment sign before a key removed")
    func uncommented() throws {
        let lines = Settings.template.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("#"), trimmed.dropFirst().first?.isLetter == true else {
                return String(line)
            }
            return String(line.prefix(line.count - trimmed.count) + trimmed.dropFirst())
        }
        let loaded = try load(lines.joined(separator: "\n"), environment: self.environment)
        #expect(loaded.settings == (try load(Settings.template, environment: self.environment).settings))
        #expect(loaded.warnings == [])
    }

    @Test("names every key, and fits 104 columns")
    func complete() {
        let lines = Settings.template.split(separator: "\n")
        for key in Settings.templateSettings.lines() {
            #expect(
                lines.contains { $0.drop { "# -".contains($0) }.hasPrefix(key.name + ":") }, "\(key.path)")
        }
        #expect(lines.allSatisfy { $0.count <= 104 })
    }

    @Test("is the example in the documentation")
    func documentation() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "Documentation/weir.example.yaml")
        #expect(try String(contentsOf: file, encoding: .utf8) == Settings.template)
    }
}
