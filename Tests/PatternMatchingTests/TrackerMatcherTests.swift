import TestKit
import Testing

@testable import PatternMatching

@Suite("The matcher of tracker URLs")
struct TrackerMatcherTests {
    private func matcher() throws -> TrackerMatcher {
        try TrackerMatcher(patterns: [
            ("books", "books\\.example"), ("secure", "^https://"), ("all-books", "books"), ("default", ".*"),
        ])
    }

    @Test(
        "answers the first pattern that matches, the catch-all for the rest",
        arguments: [
            ("https://books.example/announce", 0), ("https://books.other/announce", 1),
            ("udp://books.other", 2),
            ("udp://films.example", 3), ("", 3),
        ])
    func order(url: String, index: Int) throws {
        #expect(try matcher().match(url) == MatchOutcome(index: index))
    }

    @Test("tells scheme and query apart")
    func wholeURL() throws {
        let matcher = try TrackerMatcher(patterns: [("u", "^udp://"), ("k", "key=1"), ("all", ".*")])
        #expect(matcher.match("udp://t.example/a").index == 0)
        #expect(matcher.match("http://t.example/a").index == 2)
        #expect(matcher.match("http://t.example/a?key=1").index == 1)
        #expect(matcher.match("http://t.example/a?key=2").index == 2)
    }

    @Test("without a catch-all may answer nothing")
    func noCatchAll() throws {
        #expect(try TrackerMatcher(patterns: [("a", "a")]).match("b").index == nil)
        #expect(try TrackerMatcher(patterns: []).match("b").index == nil)
    }

    @Test("explains what each pattern says by itself")
    func explanation() throws {
        let explained = try matcher().explain("https://books.example/")
        #expect(explained.map(\.id) == ["books", "secure", "all-books", "default"])
        #expect(explained.map(\.pattern) == ["books\\.example", "^https://", "books", ".*"])
        #expect(explained.map(\.result) == [.matches, .matches, .matches, .matches])
        #expect(
            try matcher().explain("").map(\.result) == [
                .doesNotMatch, .doesNotMatch, .doesNotMatch, .matches,
            ])
    }

    @Test("gives a pattern up that needs too many steps, says so and asks the next one")
    func limit() throws {
        let matcher = try TrackerMatcher(patterns: [("bad", "^(a+)+$"), ("good", "a!"), ("all", ".*")])
        let outcome = matcher.match(String(repeating: "a", count: 40) + "!")
        #expect(outcome == MatchOutcome(index: 1, exceededLimits: [0]))
        #expect(
            matcher.explain(String(repeating: "a", count: 40) + "!").map(\.result) == [
                .limitExceeded, .matches, .matches,
            ])
    }

    @Test("matches a URL above the length limit with the catch-all only")
    func longURL() throws {
        let matcher = try TrackerMatcher(patterns: [("a", "a"), ("all", ".*")])
        let longest = String(repeating: "a", count: TrackerMatcher.maximumURLLength)
        #expect(matcher.match(longest).index == 0)
        #expect(matcher.match(longest + "a") == MatchOutcome(index: 1, exceededLimits: [0]))
    }

    @Test("needs well under a millisecond for ^(a+)+$ and a bounded time for any pattern, whatever the URL")
    func time() throws {
        let clock = ContinuousClock()
        let hostile = String(repeating: "a", count: 32 * 1024) + "!"
        let exponential = try TrackerMatcher(patterns: [("x", "^(a+)+$"), ("all", ".*")])
        for length in [16, 40, 1000, 4000, 32 * 1024] {
            let url = String(hostile.prefix(length)) + "!"
            // The best of some, because this machine does other work too.
            let fastest = (0..<20).map { _ in clock.measure { _ = exponential.match(url) } }.min() ?? .zero
            #expect(fastest < .milliseconds(1) * slowness, "\(length): \(fastest)")
        }
        // Nothing in them is a byte the URL must hold, so that no search ends before it began.
        let worst = [
            "(a+)+$", "(a|aa)+$", "a*a*a*a*a*[bc]", "(.*a){12}[bc]", "((a*)*)*[bc]", "(a|a?)+[bc]",
            "a.*a.*a.*[bc]", "(?=(a+))*[bc]", "([a-z]+)*\\1[bc]", "(?:a?){50}a{50}[bc]", "(a(?=.*[bc]))+",
            "(a*)\\1\\1[bc]", "(?>a*)[bc]", "(?:(?>a*)a?){9}[bc]", "(?:a{1,100}){1,100}[bc]",
        ]
        for pattern in worst {
            let matcher = try TrackerMatcher(patterns: [("x", pattern), ("all", ".*")])
            for length in [30, 500, 1000, 4095] {
                let url = String(hostile.prefix(length)) + "!"
                let fastest = (0..<3).map { _ in clock.measure { _ = matcher.match(url) } }.min() ?? .zero
                #expect(fastest < .milliseconds(60) * slowness, "\(pattern) on \(length): \(fastest)")
            }
        }
    }
}
