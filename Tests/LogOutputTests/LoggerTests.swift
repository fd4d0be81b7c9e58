import Foundation
import TestKit
import Testing

@testable import LogOutput

/// A directory of its own for each test, removed at the end.
final class Folder: Sendable {
    let path: String

    init() throws {
        self.path = NSTemporaryDirectory() + "weir-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func text(_ name: String) -> String? {
        try? String(contentsOfFile: self.path + "/" + name, encoding: .utf8)
    }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? []).sorted() }
}

/// A file that stands for standard error.
final class Console: Sendable {
    let folder: Folder
    let descriptor: Int32

    init() throws {
        self.folder = try Folder()
        self.descriptor = open(self.folder.path + "/console", O_RDWR | O_CREAT | O_APPEND, 0o600)
    }

    deinit { close(self.descriptor) }

    var lines: [String] { (self.folder.text("console") ?? "").split(separator: "\n").map(String.init) }
}

@Suite("The logger")
struct LoggerTests {
    let console: Console

    init() throws { self.console = try Console() }

    @Test("A line for people has time, level, message and fields, quoted where needed")
    func textLine() throws {
        let logger = Logger(console: self.console.descriptor)
        logger.info(
            "cycle done",
            [
                "changes": 12, "tracker": "main", "note": "two words", "empty": "", "ratio": 0.5, "dry": true,
                "q": "a\"b\\c",
            ])
        let line = try #require(self.console.lines.first)
        #expect(line.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    cycle done .*/) != nil)
        #expect(
            line.hasSuffix(
                "changes=12 tracker=main note=\"two words\" empty=\"\" ratio=0.5 dry=true q=\"a\\\"b\\\\c\""))
    }

    @Test("A JSON line is one object that reads back, whatever the texts hold", arguments: 0..<200)
    func jsonLine(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("a\"\\/\n\r\t\u{0}\u{1B}\u{7F}\u{85}\u{202E}\u{2028}é😀{}:,")
        let text = { String((0..<12).map { _ in alphabet.randomElement(using: &random) ?? "a" }) }
        let (message, value) = (text(), text())
        let logger = Logger(format: .json, console: self.console.descriptor)
        logger.warning(
            "\(message)",
            ["value": .text(value), "message": 1, "bad": .number(.nan), "n": LogValue(UInt64.max)])
        #expect(self.console.lines.count == 1)
        let object =
            try JSONSerialization.jsonObject(with: Data(self.console.lines[0].utf8)) as? [String: Any]
        #expect(object?["message"] as? String == message)
        #expect(object?["value"] as? String == value)
        #expect(object?["message_"] as? Int == 1)
        #expect(object?["level"] as? String == "warning")
        #expect(object?["bad"] as? String == "nan")
        #expect(object?["n"] as? Int64 == .max)
    }

    @Test("No text can begin a line of its own or steer a terminal", arguments: LogFormat.allCases)
    func noInjection(format: LogFormat) {
        let logger = Logger(format: format, console: self.console.descriptor)
        let evil = "a\n2026-01-01T00:00:00.000Z error fake\r\u{1B}[2J\u{9B}31m\u{202E}\u{2028}\u{0}z"
        logger.info("\(evil)", ["name": .text(evil)])
        #expect(self.console.lines.count == 1)
        let scalars = self.console.lines.joined().unicodeScalars
        #expect(
            scalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) && $0.value != 0x202E }
        )
    }

    @Test("What is below the level is not even evaluated, and the level can change")
    func levels() {
        let logger = Logger(level: .warning, console: self.console.descriptor)
        var evaluations = 0
        func costly() -> String {
            evaluations += 1
            return "costly"
        }
        logger.debug(costly(), ["a": .text(costly())])
        logger.info(costly())
        #expect(evaluations == 0)
        logger.warning(costly())
        logger.error(costly())
        logger.level = .debug
        #expect(logger.level == .debug)
        logger.debug(costly(), ["a": .text(costly())])
        #expect(evaluations == 4)
        #expect(self.console.lines.count == 3)
    }

    @Test("What leaves by another way is as clean as a line")
    func cleaned() {
        let logger = Logger(console: nil)
        logger.redacting(["hunter22"])
        let text =
            "hunter22 at https://me:pw@tracker.example/0123456789abcdef0123456789abcdef/announce?passkey=x"
        #expect(logger.cleaned(text) == "*** at https://***@tracker.example/***/announce?passkey=***")
        #expect(logger.cleaned("a plain name") == "a plain name")
    }

    @Test("Neither registered secrets nor keys in URLs are ever written", arguments: LogFormat.allCases)
    func secrets(format: LogFormat) {
        let logger = Logger(format: format, console: self.console.descriptor)
        logger.redacting(["hunter22", "say \"hi\""])
        logger.error(
            "login hunter22 at http://u:p@h/0123456789abcdef",
            ["url": "http://h/?passkey=abc", "p": "say \"hi\""])
        let text = self.console.lines.joined()
        for secret in ["hunter22", "u:p", "0123456789abcdef", "abc", "say", "hi"] {
            #expect(!text.contains(secret))
        }
        #expect(text.contains("***"))
    }

    @Test("Lines of many threads stay whole", arguments: [LogFormat.text])
    func threads(format: LogFormat) async throws {
        let folder = try Folder()
        let logger = Logger(
            format: format, console: self.console.descriptor,
            file: LogFileSettings(path: folder.path + "/log", maximumMegabytes: 1, backupCount: 3))
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 { logger.info("task \(task) number \(number) end") }
                }
            }
        }
        for lines in [self.console.lines, (folder.text("log") ?? "").split(separator: "\n").map(String.init)]
        {
            #expect(lines.count == 4000)
            #expect(lines.allSatisfy { $0.hasSuffix(" end") && $0.contains(" info    task ") })
        }
    }

    @Test(
        "A time is told in UTC to the millisecond",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_400, 7, "2000-02-29T00:00:00.007Z"),
            (1_795_256_558, 123, "2026-11-21T10:22:38.123Z"),
        ])
    func times(seconds: Int, milliseconds: Int, text: String) {
        #expect(timeText(seconds: seconds, milliseconds: milliseconds) == text)
    }

    @Test("A file that cannot be written is told once, and the console goes on")
    func unwritableFile() throws {
        let folder = try Folder()
        let logger = Logger(
            console: self.console.descriptor, file: LogFileSettings(path: folder.path + "/missing/log"))
        // Where a folder is needed stands a file.
        try Data().write(to: URL(fileURLWithPath: folder.path + "/missing"))
        logger.info("one")
        logger.info("two")
        #expect(self.console.lines.count == 3)
        #expect(self.console.lines[1].contains("the log file cannot be written call=open"))
        // Once it can be written, a new failure is told again. Missing folders are made.
        try FileManager.default.removeItem(atPath: folder.path + "/missing")
        logger.info("three")
        #expect(folder.text("missing/log")?.contains("three") == true)
        try FileManager.default.removeItem(atPath: folder.path + "/missing")
        try Data().write(to: URL(fileURLWithPath: folder.path + "/missing"))
        logger.info("four")
        #expect(self.console.lines.count == 6)
    }

    @Test("A full disk stops nobody")
    func fullDisk() {
        let logger = Logger(console: self.console.descriptor, file: LogFileSettings(path: "/dev/full"))
        logger.info("one")
        logger.info("two")
        #expect(self.console.lines.filter { $0.contains("call=write") }.count == 1)
        #expect(self.console.lines.count == 3)
    }
}
