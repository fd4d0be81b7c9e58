import Digests
import Testing

@Suite("Digests")
struct DigestsTests {
    // RFC 1321 A.5, FIPS 180-4 examples.
    @Test(
        "The published test values come out",
        arguments: [
            (DigestAlgorithm.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
            (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ])
    func published(algorithm: DigestAlgorithm, text: String, expected: String) throws {
        #expect(hex(try digest(algorithm, of: Array(text.utf8))) == expected)
    }

    @Test("Where the input is cut makes no difference, and a context serves again", arguments: 0...40)
    func cut(at position: Int) throws {
        let bytes = Array("0123456789abcdef0123456789abcdef01234567".utf8)
        var context = try DigestContext(.sha1)
        for _ in 0..<2 {
            try context.update(Array(bytes.prefix(position)))
            try context.update(Array(bytes.dropFirst(position)))
            #expect(try context.finish() == digest(.sha1, of: bytes))
        }
    }

    /// Computed with Python: `int(hashlib.md5(text.encode()).hexdigest()[:8], 16) % 100`.
    @Test(
        "A rollout bucket is the one that Qguardarr computes",
        arguments: [
            ("0123456789abcdef0123456789abcdef01234567", 6),
            ("ffffffffffffffffffffffffffffffffffffffff", 88),
            ("0000000000000000000000000000000000000000", 37),
        ])
    func bucket(hash: String, expected: Int) throws {
        #expect(try rolloutBucket(ofHexDigits: Array(hash.utf8)) == expected)
        var buckets = try RolloutBuckets()
        for _ in 0..<2 { #expect(try buckets.bucket(ofHexDigits: Array(hash.utf8)) == expected) }
    }

    @Test("Secrets are equal only when every byte is")
    func secrets() {
        #expect(secretsAreEqual("", ""))
        #expect(secretsAreEqual("key", "key"))
        #expect(!secretsAreEqual("key", "kez"))
        #expect(!secretsAreEqual("key", "key "))
        #expect(!secretsAreEqual("", "k"))
        #expect(!secretsAreEqual("é", "e\u{301}"))
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
