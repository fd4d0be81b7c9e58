import Digests
import Testing

@Suite("SHA-1 of several inputs", .enabled(if: SHA1Lanes.isAvailable))
struct SHA1LanesTests {
    /// A byte that depends on the lane and the place.
    private func input(_ lane: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7 &+ lane * 31) }
    }

    @Test(
        "Each lane has the digest that OpenSSL gives", arguments: [0, 64, 128, 448, 512, 16384, 65536], 1...4)
    func sameAsOpenSSL(count: Int, lanes: Int) throws {
        let inputs = (0..<SHA1Lanes.laneCount).map { self.input($0, count) }
        let bytes = Array(inputs.joined()) + [0]
        var hasher = SHA1Lanes()
        // A hasher serves again.
        for _ in 0..<2 {
            bytes.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                let half = count / 128 * 64
                hasher.update(count: half, lanes: lanes) { start + $0 * count }
                hasher.update(count: count - half, lanes: lanes) { start + $0 * count + half }
            }
            let expected = try inputs.prefix(lanes).map { try digest(.sha1, of: $0) }.joined()
            #expect(hasher.finish(lanes: lanes) == Array(expected))
        }
    }

    @Test("What was forgotten leaves no trace")
    func reset() throws {
        var hasher = SHA1Lanes()
        [UInt8](repeating: 7, count: 64).withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { hasher.update(count: 64, lanes: 4) { _ in start } }
        }
        hasher.reset()
        #expect(try hasher.finish(lanes: 1) == digest(.sha1, of: []))
    }
}
