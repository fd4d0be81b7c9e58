import PeerProtocol
import SwarmTypes
import TestKit
import Testing

private func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

@Suite("Messages of metadata")
struct MetadataMessageTests {
    @Test("BEP 9's examples are written and read")
    func vectors() {
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 8)
        let samples: [(MetadataMessage, String)] = [
            (.request(piece: 0), "d8:msg_typei0e5:piecei0ee"),
            (
                .data(piece: 0, totalSize: 3425, bytes: bytes[...]),
                "d8:msg_typei1e5:piecei0e10:total_sizei3425eexxxxxxxx"
            ),
            (.reject(piece: 0), "d8:msg_typei2e5:piecei0ee"),
        ]
        for (message, text) in samples {
            #expect(message.payload == Array(text.utf8))
            #expect(MetadataMessage(payload: Array(text.utf8)) == message)
        }
        #expect(MetadataMessage(payload: Array("d8:msg_typei3e5:piecei0ee".utf8)) == .unknown)
        #expect(MetadataMessage(payload: Array("d8:msg_typei-1ee".utf8)) == .unknown)
    }

    @Test(
        "What is malformed is refused",
        arguments: [
            "", "de", "le", "d8:msg_typei0ee", "d8:msg_typei0e5:piecei-1ee", "d8:msg_typei0e5:piecei2048ee",
            "d8:msg_typei0e5:piecei9223372036854775807ee", "d8:msg_typei1e5:piecei0ee", "d8:msg_type1:0e",
        ])
    func malformed(text: String) {
        #expect(MetadataMessage(payload: Array(text.utf8)) == nil)
    }

    @Test("Data of more than 16 KiB is refused")
    func long() {
        for (count, isRead) in [(16384, true), (16385, false)] {
            let bytes = [UInt8](repeating: 1, count: count)
            let message = MetadataMessage.data(piece: 7, totalSize: 1 << 20, bytes: bytes[...])
            #expect((MetadataMessage(payload: message.payload) == message) == isRead)
        }
    }

    @Test("Pieces cover a size without a gap", arguments: [1, 16383, 16384, 16385, 31235, 1 << 25])
    func ranges(size: Int) {
        let ranges = (0..<MetadataPieces.count(size: size)).compactMap {
            MetadataPieces.range(of: $0, size: size)
        }
        #expect(ranges.reduce(0) { $0 + $1.count } == size)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(MetadataPieces.range(of: ranges.count, size: size) == nil)
        #expect(MetadataPieces.range(of: -1, size: size) == nil)
    }
}

@Suite("The assembly of metadata")
struct MetadataAssemblerTests {
    private typealias Assembler = MetadataAssembler<Int>

    /// A peer of a test: what it answers with.
    private struct Peer {
        var content: [UInt8]
        /// Answers nothing.
        var isSilent = false
        var rejects = false
    }

    private static func content(_ size: Int, using random: inout SplitMix64) -> [UInt8] {
        (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// Lets peers answer, in an order by chance, until the true metadata is there or time is over.
    private func fetch(
        _ truth: [UInt8], from peers: [Int: Peer], using random: inout SplitMix64
    ) -> (isComplete: Bool, refused: Set<Int>, suspected: Set<Int>) {
        var assembler = Assembler()
        var (refused, suspected): (Set<Int>, Set<Int>) = ([], [])
        var now = 0.0
        for (peer, state) in peers.sorted(by: { $0.key < $1.key }) {
            let outcome = assembler.announced(size: state.content.count, by: peer, at: seconds(now))
            if outcome != .accepted { refused.insert(peer) }
        }
        while now < 2000 {
            var asked: [(peer: Int, piece: Int)] = []
            for peer in peers.keys.sorted() where !refused.contains(peer) {
                asked += assembler.requests(for: peer, at: seconds(now)).map { (peer, $0) }
            }
            asked.shuffle(using: &random)
            for (peer, piece) in asked where !refused.contains(peer) {
                guard let state = peers[peer], !state.isSilent else { continue }
                if state.rejects {
                    assembler.rejected(piece: piece, by: peer, at: seconds(now))
                    continue
                }
                let range = MetadataPieces.range(of: piece, size: state.content.count) ?? 0..<0
                switch assembler.received(
                    piece: piece, totalSize: state.content.count, bytes: state.content[range], from: peer,
                    at: seconds(now))
                {
                case .accepted: break
                case .refused: refused.insert(peer)
                case .complete(let bytes):
                    if bytes == truth { return (true, refused, suspected) }
                    let contributors = assembler.hashFailed(at: seconds(now))
                    if contributors.count == 1 { refused.formUnion(contributors) }
                    suspected.formUnion(contributors)
                }
            }
            guard asked.isEmpty else { continue }
            now = assembler.nextDeadline(after: seconds(now))?.seconds(since: seconds(0)) ?? now + 1
        }
        return (false, refused, suspected)
    }

    @Test("Honest peers give it, whatever its size", arguments: 0..<200)
    func honest(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let truth = Self.content(Int.random(in: 1...120_000, using: &random), using: &random)
        let peers = (0..<Int.random(in: 1...6, using: &random)).map { ($0, Peer(content: truth)) }
        let result = self.fetch(truth, from: Dictionary(uniqueKeysWithValues: peers), using: &random)
        #expect(result.isComplete && result.refused.isEmpty && result.suspected.isEmpty)
    }

    @Test(
        "One honest peer is enough among liars, silent ones and refusers; no honest one is left",
        arguments: 0..<200)
    func liars(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let truth = Self.content(Int.random(in: 1...60_000, using: &random), using: &random)
        var peers: [Int: Peer] = [:]
        var honest: Set<Int> = []
        for number in 0..<Int.random(in: 2...8, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: peers[number] = Peer(content: Self.content(truth.count, using: &random))
            case 1: peers[number] = Peer(content: Self.content(truth.count + 1, using: &random))
            case 2: peers[number] = Peer(content: truth, isSilent: true)
            case 3:
                peers[number] = Peer(
                    content: Self.content(truth.count / 2 + 1, using: &random), isSilent: true)
            case 4: peers[number] = Peer(content: truth, rejects: true)
            default: peers[number] = Peer(content: truth)
            }
            if peers[number]?.content == truth { honest.insert(number) }
        }
        peers[100] = Peer(content: truth)
        let result = self.fetch(truth, from: peers, using: &random)
        #expect(result.isComplete)
        #expect(result.refused.isDisjoint(with: honest.union([100])))
    }

    @Test("A single giver of what fails its hash is refused, one of several is only suspected")
    func provable() {
        var assembler = Assembler()
        let bytes = [UInt8](repeating: 7, count: 20000)
        for peer in [1, 2] { _ = assembler.announced(size: 20000, by: peer, at: seconds(0)) }
        #expect(assembler.requests(for: 1, at: seconds(0)) == [0])
        #expect(assembler.requests(for: 1, at: seconds(1)) == [])
        #expect(assembler.requests(for: 2, at: seconds(1)) == [1])
        #expect(
            assembler.received(piece: 1, totalSize: 20000, bytes: bytes[16384...], from: 2, at: seconds(2))
                == .accepted)
        #expect(assembler.progress?.have == 3616)
        // Once more, in case that the first one is slow.
        #expect(assembler.requests(for: 2, at: seconds(2)) == [0])
        // Late, but welcome.
        #expect(
            assembler.received(piece: 0, totalSize: nil, bytes: bytes[..<16384], from: 1, at: seconds(7))
                == .complete(bytes))
        #expect(assembler.hashFailed(at: seconds(7)) == [1, 2])
        // Now one alone.
        #expect(assembler.requests(for: 2, at: seconds(7)) == [])
        for (piece, range) in [(0, 0..<16384), (1, 16384..<20000)] {
            #expect(assembler.requests(for: 1, at: seconds(7)) == [piece])
            _ = assembler.received(
                piece: piece, totalSize: nil, bytes: bytes[range], from: 1, at: seconds(8))
        }
        #expect(assembler.hashFailed(at: seconds(8)) == [1])
        #expect(
            assembler.received(piece: 0, totalSize: nil, bytes: bytes[..<16384], from: 1, at: seconds(8))
                == .refused(.badMetadata))
        #expect(assembler.requests(for: 2, at: seconds(30)) == [0])
    }

    @Test("Sizes that cannot be are refused, and those that change", arguments: [0, -1, 1 << 25 + 1, .max])
    func sizes(size: Int) {
        var assembler = Assembler()
        #expect(assembler.announced(size: size, by: 1, at: seconds(0)) == .refused(.badMetadata))
        #expect(assembler.size == nil)
        #expect(assembler.announced(size: 1 << 25, by: 1, at: seconds(0)) == .accepted)
        #expect(assembler.announced(size: 1 << 25, by: 1, at: seconds(0)) == .accepted)
        #expect(assembler.announced(size: 5, by: 1, at: seconds(0)) == .refused(.badMetadata))
        #expect(assembler.size == nil)
    }

    @Test("Data that was not asked for, or has another length or size, is refused")
    func unsolicited() {
        let bytes = [UInt8](repeating: 7, count: 20000)
        let attempts: [(piece: Int, totalSize: Int?, bytes: ArraySlice<UInt8>)] = [
            (2, nil, bytes[..<100]), (0, nil, bytes[..<16383]), (1, nil, bytes[..<16384]),
            (0, 19999, bytes[..<16384]), (-1, nil, bytes[..<16384]), (2047, nil, bytes[..<1]),
        ]
        for attempt in attempts {
            var assembler = Assembler()
            _ = assembler.announced(size: 20000, by: 1, at: seconds(0))
            _ = assembler.requests(for: 1, at: seconds(0))
            #expect(
                assembler.received(
                    piece: attempt.piece, totalSize: attempt.totalSize, bytes: attempt.bytes, from: 1,
                    at: seconds(1)) == .refused(.badMetadata))
        }
        var assembler = Assembler()
        _ = assembler.announced(size: 20000, by: 1, at: seconds(0))
        #expect(
            assembler.received(piece: 0, totalSize: nil, bytes: bytes[..<16384], from: 1, at: seconds(0))
                == .refused(.badMetadata))
        #expect(
            assembler.received(piece: 0, totalSize: nil, bytes: bytes[..<16384], from: 9, at: seconds(0))
                == .refused(.badMetadata))
    }
}
