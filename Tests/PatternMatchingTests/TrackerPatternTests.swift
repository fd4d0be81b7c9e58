import Testing

@testable import PatternMatching

private func matches(_ pattern: String, _ url: String) throws -> Bool {
    try TrackerMatcher(patterns: [("x", pattern)]).match(url).index == 0
}

@Suite("A tracker pattern")
struct TrackerPatternTests {
    @Test(
        "is searched for anywhere in the URL, whatever the case of letters",
        arguments: [
            ("tracker.example", "https://Tracker.Example:443/announce", true),
            (".*tracker\\.example.*", "udp://tracker.example:80", true),
            (".*tracker\\.example.*", "udp://trackerXexample:80", false),
            ("^udp://", "udp://a.example", true), ("^udp://", "http://a.example/udp://", false),
            ("announce$", "http://a.example/announce", true),
            ("announce$", "http://a.example/announce?x", false),
            ("passkey=abc", "http://a.example/announce?passkey=abcdef", true),
            (".example", "http://example", true), ("example.", "http://example", true),
            ("  one\\.example  ", "http://one.example/", true), ("a|b.example", "http://b.example", true),
            ("(?P<name>one)\\.(?P=name)", "http://one.one/", true), ("(?i)ONE", "http://one", true),
            ("münchen", "http://münchen.example/", true), ("^http://a", "http://a\u{0}b", true),
        ])
    func search(pattern: String, url: String, expected: Bool) throws {
        #expect(try matches(pattern, url) == expected)
    }

    @Test(
        "keeps a dot that is escaped or counted, and drops a wildcard at either end",
        arguments: [
            ("tracker\\.", "tracker\\."), (".*tracker\\.", "tracker\\."), ("tracker.*", "tracker"),
            ("tracker\\.*", "tracker\\.*"), ("tracker\\\\.*", "tracker\\\\"), (".+tracker", ".+tracker"),
            (".?tracker", ".?tracker"), (".{3}x", ".{3}x"), (".*?x", ".*?x"), (".x.", "x"),
            ("^.*x.*", "^.*x.*"),
            (".*x$", ".*x$"), (".*", ""), (".", ""), ("", ""), ("..", ""), (".*.*", ""),
        ])
    func searchForms(pattern: String, expected: String) {
        #expect(searchForm(of: pattern).pattern == expected)
    }

    @Test("with an escaped dot at its end wants that dot")
    func escapedDot() throws {
        #expect(try matches("tracker\\.", "http://tracker.example/"))
        #expect(try !matches("tracker\\.", "http://trackers/"))
    }

    @Test(
        "that does not compile says where",
        arguments: [
            ("one(", 4), ("  .*one(two", 11), ("ab\\", 3), ("[a-", 3), ("(?P<1>x)", 4), ("\\Cx", 2),
            ("x{2,1}", 5), ("a***", 2),
        ])
    func broken(pattern: String, offset: Int) {
        do {
            _ = try TrackerPattern(pattern)
            Issue.record("\(pattern) compiled")
        } catch {
            #expect(error.pattern == pattern)
            #expect(error.offset == offset)
            #expect(!error.message.isEmpty)
            #expect(error.description.contains("character \(offset + 1)"))
        }
    }

    @Test("cannot ask for UTF mode, nest without end, be longer than the limit or grow huge")
    func hostile() {
        for pattern in [
            "(*UTF)x", "(*UCP)x", String(repeating: "(", count: 1000) + String(repeating: ")", count: 1000),
            String(repeating: "a", count: 4097), "((a{1000}){1000}){1000}",
        ] {
            #expect(throws: PatternFailure.self) { try TrackerPattern(pattern) }
        }
    }

    @Test("that is found in nothing at all matches everything")
    func everything() throws {
        for pattern in [".", "x*", "a|", ".*.*", "^"] {
            #expect(try TrackerPattern(pattern).matchesEverything)
        }
        for pattern in ["x", ".+", "^a$"] { #expect(try !TrackerPattern(pattern).matchesEverything) }
    }
}
