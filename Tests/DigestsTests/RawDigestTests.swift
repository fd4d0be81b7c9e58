import Digests
import TestKit
import Testing

@Suite("Digests of raw buffers")
struct RawDigestTests {
    private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test("are those of arrays, however the buffer is cut", arguments: [DigestAlgorithm.md5, .sha1, .sha256])
    func cuts(algorithm: DigestAlgorithm) throws {
        let bytes = Self.bytes(1000, seed: 1)
        let expected = try digest(algorithm, of: bytes)
        #expect(expected.count == algorithm.byteCount)
        var context = try DigestContext(algorithm)
        for cut in [0, 1, 63, 64, 65, 999, 1000] {
            var found = [UInt8](repeating: 0, count: algorithm.byteCount + 3)
            try bytes.withUnsafeBytes { bytes in
                try context.update(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
                try context.update(UnsafeRawBufferPointer(rebasing: bytes[cut...]))
            }
            try found.withUnsafeMutableBytes { try context.finish(into: $0) }
            #expect(Array(found.prefix(algorithm.byteCount)) == expected)
            #expect(found.suffix(3) == [0, 0, 0], "bytes behind the digest were written")
        }
    }

    @Test("of nothing are the known ones")
    func nothing() throws {
        var context = try DigestContext(.sha1)
        var found = [UInt8](repeating: 0, count: 20)
        try context.update(UnsafeRawBufferPointer(start: nil, count: 0))
        try found.withUnsafeMutableBytes { try context.finish(into: $0) }
        #expect(try found == digest(.sha1, of: []))
    }

    @Test(
        "in chunks stand one after another, the last one of what is left",
        arguments: [1, 7, 64, 100, 299, 300, 1000])
    func chunks(chunk: Int) throws {
        let bytes = Self.bytes(300, seed: 2)
        var context = try DigestContext(.sha256)
        let found = try bytes.withUnsafeBytes { try context.digests(of: $0, inChunksOf: chunk) }
        let expected = try stride(from: 0, to: bytes.count, by: chunk).flatMap {
            try digest(.sha256, of: Array(bytes[$0..<min($0 + chunk, bytes.count)]))
        }
        #expect(found == expected)
        #expect(try context.digests(of: UnsafeRawBufferPointer(start: nil, count: 0), inChunksOf: 5).isEmpty)
    }
}
