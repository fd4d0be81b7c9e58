import TestKit
import Testing

@testable import HTTPServing

private func read(_ text: String) -> RequestTarget? { RequestTarget(Array(text.utf8).span) }

@Suite("Request targets")
struct RequestTargetTests {
    @Test(
        "A path is decoded once",
        arguments: [
            ("/", "/"), ("/a%20b", "/a b"), ("/%2541", "/%41"), ("/a+b", "/a+b"), ("/x%2Fy", "/x/y"),
            ("/%C3%A9", "/é"), ("/a...b/..c/...", "/a...b/..c/..."), ("//a//", "//a//"), ("/a?b", "/a"),
            ("http://h:1/p", "/p"), ("HTTP://h/p?q=http://x", "/p"), ("/.well-known", "/.well-known"),
        ])
    func paths(raw: String, path: String) {
        #expect(read(raw)?.path == path)
    }

    @Test(
        "What has no single safe meaning is refused",
        arguments: [
            "", "*", "host:80", "http://host", "ftp://h/p", "/%", "/%4", "/%zz", "/a%00b", "/a\u{1}b",
            "/a%0Ab", "/%7f",
            "/..", "/../x", "/a/..", "/a/./b", "/.", "/%2e%2e/x", "/a/%2E%2e", "/a%2f..%2fb", "/..%5Cwindows",
            "/a\\b",
            "/%ff", "/%c0%ae", "/?a=%", "/?a=%ff", "/?" + String(repeating: "a&", count: 257),
        ])
    func unsafe(raw: String) {
        #expect(read(raw) == nil)
    }

    @Test("Parameters keep their order and repetition")
    func query() {
        let target = read("/p?b=1&a=%26+x&b=2&&c&=d?e&f=%00")
        #expect(target?.query.map(\.name) == ["b", "a", "b", "c", "", "f"])
        #expect(target?.query.map(\.value) == ["1", "& x", "2", "", "d?e", "\0"])
        #expect(read("/p?")?.query.isEmpty == true)
    }

    @Test(
        "Random targets never trap, and a path that is taken is absolute and has no dot segment",
        arguments: 0..<200)
    func randomTargets(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("/..%2e5c?&=aé\\0".utf8) + [0, 0xFF]
        for _ in 0..<50 {
            let raw = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            guard let path = RequestTarget(raw.span)?.path else { continue }
            #expect(path.hasPrefix("/"))
            #expect(!path.split(separator: "/").contains { $0 == "." || $0 == ".." })
            #expect(!path.utf8.contains { $0 < 0x20 || $0 == 0x5C })
        }
    }

    @Test(
        "A body's end is read strictly",
        arguments: [
            ([], RequestFraming.none),
            (["content-length", "0"], .length(0)),
            (["content-length", "12"], .length(12)),
            (["content-length", "+1"], .ambiguous),
            (["content-length", "1, 1"], .ambiguous),
            (["content-length", ""], .ambiguous),
            (["content-length", "99999999999999999999"], .ambiguous),
            (["content-length", "1", "content-length", "1"], .ambiguous),
            (["transfer-encoding", "Chunked"], .chunked),
            (["transfer-encoding", "gzip, chunked"], .ambiguous),
            (["transfer-encoding", "xchunked"], .ambiguous),
            (["content-length", "1", "transfer-encoding", "chunked"], .ambiguous),
        ])
    func framing(flat: [String], expected: RequestFraming) {
        let headers = stride(from: 0, to: flat.count, by: 2).map { (name: flat[$0], value: flat[$0 + 1]) }
        #expect(RequestFraming(headers: headers) == expected)
    }
}
