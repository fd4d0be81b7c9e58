import Digests
import PeerProtocol
import SwarmTypes
import TestKit
import Testing

@Suite("The allowed fast set")
struct AllowedFastSetTests {
    private func set(_ address: PeerAddress, pieces: Int, count: Int = 10) -> [UInt32] {
        allowedFastSet(for: address, of: sampleTorrent, pieceCount: pieces, count: count) {
            (try? digest(.sha1, of: $0)) ?? []
        }
    }

    @Test("BEP 6's two examples come out")
    func vectors() {
        let address = PeerAddress(ipv4: 80 << 24 | 4 << 16 | 4 << 8 | 200, port: 6881)
        #expect(self.set(address, pieces: 1313, count: 7) == [1059, 431, 808, 1217, 287, 376, 1188])
        #expect(
            self.set(address, pieces: 1313, count: 9) == [1059, 431, 808, 1217, 287, 376, 1188, 353, 508])
        let neighbour = PeerAddress(ipv4: 80 << 24 | 4 << 16 | 4 << 8 | 1, port: 1)
        #expect(self.set(neighbour, pieces: 1313) == self.set(address, pieces: 1313))
    }

    @Test("It has no piece twice and none beyond the end", arguments: 0..<200)
    func distinct(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = Int.random(in: 0...30, using: &random)
        let chosen = self.set(
            PeerAddress(ipv4: UInt32.random(in: 0 ... .max, using: &random), port: 1), pieces: pieces)
        #expect(chosen.count == min(10, pieces))
        #expect(Set(chosen).count == chosen.count)
        #expect(chosen.allSatisfy { Int($0) < pieces })
    }

    @Test("IPv6 has no rule, and a digest that fails ends it")
    func none() {
        #expect(self.set(PeerAddress(high: 0x2001 << 48, low: 1, port: 1), pieces: 100) == [])
        let address = PeerAddress(ipv4: 1, port: 1)
        #expect(allowedFastSet(for: address, of: sampleTorrent, pieceCount: 100) { _ in [] } == [])
    }
}
