import JSONValues
import SwarmTypes
import TestKit
import Testing

@testable import NoticePolicy

@Suite("A message as it is sent")
struct NoticeFormatTests {
    private let message = NoticeMessage(
        kind: .torrentTrouble, lines: ["a \"name\"", "@everyone **b** `c`"], count: 5, time: 1_700_000_000)

    private func json(_ request: NoticeRequest) throws -> JSONValue {
        #expect(request.headers.first == .init("Content-Type", "application/json"))
        return try JSONReader.read(request.body)
    }

    @Test("is an object with the documented members for programs")
    func programs() throws {
        let body = try self.json(
            NoticeFormat.json.request(for: self.message, version: "1.2", secret: "s3cret"))
        #expect(body["event"]?.text == "torrent_trouble")
        #expect(body["title"]?.text == "5 torrents are in trouble")
        #expect(body["message"]?.text == "a \"name\"\n@everyone **b** `c`\nand 3 more")
        #expect(body["lines"]?.elements?.compactMap(\.text) == self.message.lines)
        #expect(body["count"]?.integer == 5)
        #expect(body["urgency"]?.text == "normal")
        #expect(body["time"]?.integer == 1_700_000_000)
        #expect(body["version"]?.text == "1.2")
    }

    @Test("mentions nobody and is no markup at Discord, and fits what it takes")
    func discord() throws {
        let body = try self.json(NoticeFormat.discord.request(for: self.message, version: "1"))
        #expect(body["content"]?.text?.hasSuffix("@everyone \\*\\*b\\*\\* \\`c\\`\nand 3 more") == true)
        #expect(body["allowed_mentions"]?["parse"]?.elements?.isEmpty == true)
        let long = NoticeMessage(
            kind: .torrentComplete, lines: [String](repeating: String(repeating: "_", count: 200), count: 10),
            count: 10,
            time: 0)
        let text = try self.json(NoticeFormat.discord.request(for: long, version: "1"))["content"]?.text
        #expect((text?.count ?? 9999) <= 2000)
    }

    @Test("is title, message and priority for Gotify")
    func gotify() throws {
        let body = try self.json(NoticeFormat.gotify.request(for: self.message, version: "1"))
        #expect(body["title"]?.text == "5 torrents are in trouble")
        #expect(body["priority"]?.integer == 5)
    }

    @Test("is plain text with headers of ours for ntfy")
    func ntfy() {
        let request = NoticeFormat.ntfy.request(for: self.message, version: "1", secret: "tk")
        #expect(String(decoding: request.body, as: UTF8.self) == self.message.text)
        #expect(request.headers.contains(.init("Title", "5 torrents are in trouble")))
        #expect(request.headers.contains(.init("Authorization", "Bearer tk")))
    }

    @Test("shows the secret in the header that is asked for, else in the usual one")
    func secrets() {
        for format in NoticeFormat.allCases {
            let own = format.request(for: self.message, version: "1", header: "X-Mine", secret: "s")
            #expect(own.headers.last == .init("X-Mine", "s"))
            let none = format.request(for: self.message, version: "1", header: "X-Mine", secret: nil)
            #expect(!none.headers.contains { $0.name == "X-Mine" })
        }
        #expect(
            NoticeFormat.gotify.request(for: self.message, version: "1", secret: "s").headers.last
                == .init("X-Gotify-Key", "s"))
    }

    @Test("Titles are plain ASCII in one line, for one and for many", arguments: NoticeKind.allCases)
    func titles(kind: NoticeKind) {
        for count in [1, 2, 5000] {
            let title = NoticeMessage(kind: kind, lines: [], count: count, time: 0).title
            #expect(!title.isEmpty && title.utf8.allSatisfy { 0x20..<0x7F ~= $0 })
        }
    }

    @Test(
        "A foreign line is one line, cut, and turns no direction",
        arguments: [
            ("a\nb\r\n\tc", "a b c"), ("\u{1B}]0;x\u{07}y", "]0;x y"), ("\u{202E}evil\u{200F}", "evil"),
            ("Bücher 日本", "Bücher 日本"), ("", ""),
        ])
    func plain(text: String, expected: String) {
        #expect(plainLine(text) == expected)
        #expect(plainLine(String(repeating: "é", count: 1000)).count == 201)
    }
}
