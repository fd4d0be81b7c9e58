import TestKit
import Testing

@testable import LogOutput

@Suite("Secrets in texts")
struct RedactionTests {
    @Test(
        "A URL loses what could be a key, and nothing else",
        arguments: [
            ("http://t.example:80/announce", "http://t.example:80/announce"),
            ("http://t.example/0123456789abcdef0123456789abcdef/announce", "http://t.example/***/announce"),
            ("https://t.example/aZ09aZ09aZ09aZ09", "https://t.example/***"),
            ("https://t.example/aZ09aZ09aZ09aZ0", "https://t.example/aZ09aZ09aZ09aZ0"),
            ("https://t.example/a?passkey=x&n=5", "https://t.example/a?passkey=***&n=5"),
            (
                "https://t.example/a?n=5&Torrent_Pass=short#token=1",
                "https://t.example/a?n=5&Torrent_Pass=***#token=***"
            ),
            ("https://t.example/a?x=0123456789abcdef&authkey=", "https://t.example/a?x=***&authkey="),
            ("https://t.example/a?0123456789abcdef", "https://t.example/a?***"),
            ("https://t.example/a;pid=1", "https://t.example/a;pid=1"),
            ("https://t.example/?a=b;pid=1", "https://t.example/?a=b;pid=***"),
            ("http://user:secret@h:1/p", "http://***@h:1/p"),
            ("http://a@b@h/p", "http://***@h/p"),
            ("udp://t.example:6969/0123456789abcdef", "udp://t.example:6969/***"),
            ("http://h/%30123456789abcde", "http://h/***"),
            ("http://h/a1b2-c3d4_e5f6-a7b8c9", "http://h/***"),
            ("http://h/a-long-harmless-name", "http://h/a-long-harmless-name"),
            ("/announce.php?passkey=1", "/announce.php?passkey=***"),
            ("", ""), ("://", "://"), ("http://", "http://"),
        ])
    func urls(url: String, expected: String) {
        #expect(redactURL(url) == expected)
    }

    @Test("URLs are found in the middle of a text, to their end and no further")
    func urlsInText() {
        #expect(
            redactURLs(in: "got <http://h/0123456789abcdef> and \"udp://x/?key=1\" at 12:30: fine")
                == "got <http://h/***> and \"udp://x/?key=***\" at 12:30: fine")
        #expect(
            redactURLs(in: "no url: 0123456789abcdef0123456789abcdef")
                == "no url: 0123456789abcdef0123456789abcdef")
        #expect(redactURLs(in: "http://a/?u=http://b/?passkey=1") == "http://a/?u=http://b/?passkey=***")
    }

    @Test("A key of any alphabet, in any place of a URL, never survives", arguments: 0..<200)
    func randomKeys(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array(
            seed % 2 == 0 ? "0123456789abcdef" : "0123456789abcdefghijABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let key = String(
            (0..<Int.random(in: 16...64, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? "0"
            })
        let places = [
            "http://t.example/\(key)/announce", "http://t.example/announce.php?passkey=\(key)&x=1",
            "https://t.example/a?uk=\(key)", "https://\(key)@t.example/", "udp://t.example:1/\(key)",
            "http://t.example/rss;\(key).xml", "/\(key)", "http://t.example/#\(key)",
        ]
        for place in places {
            #expect(!redactURL(place).contains(key))
            if place.contains("://") { #expect(!redactURLs(in: "see \(place) now").contains(key)) }
            #expect(redactURL(redactURL(place)) == redactURL(place))
        }
    }

    @Test("Registered secrets vanish wherever they stand, the longest first, also percent-encoded")
    func registeredSecrets() {
        var secrets = SecretSet()
        secrets.insert(["hunter22", "hunter22&more", "abc", "ünï c"])
        #expect(secrets.redacting("a hunter22 hunter22&more hunter2 abc") == "a *** *** hunter2 abc")
        #expect(secrets.redacting("x=%C3%BCn%C3%AF%20c&y=hunter22%26more") == "x=***&y=***")
        #expect(secrets.redacting("hunter22hunter22") == "******")
        #expect(secrets.redacting("nothing") == "nothing")
    }

    @Test("Random texts around a secret never show it", arguments: 0..<200)
    func randomTexts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("ab%1é")
        let text = { (count: Int) in
            String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        }
        var secrets = SecretSet()
        let secret = "b1" + text(3)
        secrets.insert([secret])
        let result = secrets.redacting(text(20) + secret + text(20) + secret)
        #expect(!result.contains(secret))
    }
}
