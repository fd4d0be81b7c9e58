import PieceSelection
import SwarmTypes
import TestKit
import Testing

@Suite("A piece picker, whatever happens")
struct PickerInvariantTests {
    private static func geometry(using random: inout SplitMix64) -> PieceGeometry? {
        let pieceLength =
            UInt32.random(in: 1...5, using: &random) * 16384 - (Bool.random(using: &random) ? 0 : 100)
        return PieceGeometry(
            totalLength: Int64.random(in: 1...Int64(pieceLength) * 12, using: &random),
            pieceLength: pieceLength)
    }

    @Test(
        "Each block is in one state, and the picker's counts agree with it",
        arguments: 0..<300 as Range<UInt64>)
    func oneState(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let geometry = try #require(Self.geometry(using: &random))
        let count = geometry.pieceCount
        var have = Bitfield(count: count)
        for piece in 0..<count where Int.random(in: 0..<5, using: &random) == 0 { have.set(piece) }
        var picker = PiecePicker(
            geometry: geometry, have: have, order: Bool.random(using: &random) ? .rarestFirst : .sequential)
        var model = PickerModel(geometry: geometry, have: Set((0..<count).filter { have[$0] }))
        for _ in 0..<250 {
            Self.step(&picker, &model, using: &random)
            model.check(picker)
        }
    }

    private static func step(
        _ picker: inout PiecePicker, _ model: inout PickerModel, using random: inout SplitMix64
    ) {
        let slot = PeerSlot(UInt16.random(in: 0..<5, using: &random))
        let piece = Int.random(in: 0..<model.geometry.pieceCount, using: &random)
        let owned = model.requests(of: slot)
        let isPresent = model.peers[slot] != nil
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1:
            guard !isPresent else { return }
            picker.peerJoined(slot, key: PeerKey(UInt32(slot.rawValue)))
            var have = Bitfield(count: model.geometry.pieceCount)
            for piece in 0..<have.count where Bool.random(using: &random) { have.set(piece) }
            picker.peerHas(slot, have)
            model.peers[slot] = .init(have: Set((0..<have.count).filter { have[$0] }))
        case 2:
            picker.peerHasAll(slot)
            model.peers[slot]?.hasAll = true
        case 3, 4:
            picker.peerHas(slot, piece: piece)
            model.peers[slot]?.have.insert(piece)
        case 5:
            guard Int.random(in: 0..<4, using: &random) == 0 else { return }
            for block in owned { model.returned(block, from: slot, mayStillCome: false) }
            model.peers[slot] = nil
            picker.peerLeft(slot)
        case 6...10:
            var blocks: [Block] = []
            let rate = ByteRate(bytesPerSecond: Int64.random(in: 0...20_000, using: &random))
            let limit = Int.random(in: 1...8, using: &random)
            let count = picker.pick(for: slot, upTo: limit, rate: rate, using: &random, into: &blocks)
            #expect(count == blocks.count && count <= limit && (isPresent || count == 0))
            model.picked(blocks, by: slot)
        case 11...15:
            guard isPresent, let block = owned.randomElement(using: &random) else { return }
            #expect(picker.received(block, from: slot) == model.received(block, from: slot))
        case 16:
            guard isPresent else { return }
            // Not asked for, or asked for earlier and given back.
            var block = model.geometry.block(0, ofPiece: piece)
            if Int.random(in: 0..<4, using: &random) == 0 { block.offset += 1 }
            #expect(picker.received(block, from: slot) == model.received(block, from: slot))
        case 17:
            guard let block = owned.randomElement(using: &random) else { return }
            let mayStillCome = Bool.random(using: &random)
            picker.returned(block, from: slot, mayStillCome: mayStillCome)
            model.returned(block, from: slot, mayStillCome: mayStillCome)
        case 18:
            if Bool.random(using: &random) {
                for block in owned { model.returned(block, from: slot, mayStillCome: true) }
                #expect(picker.returnAll(from: slot, mayStillCome: true) == owned.count)
            } else {
                let priority = PiecePriority.allCases.randomElement(using: &random) ?? .normal
                let end = min(model.geometry.pieceCount, piece + 3)
                picker.setPriority(priority, ofPieces: piece..<end)
                for piece in piece..<end {
                    if priority == .skip { model.skipped.insert(piece) } else { model.skipped.remove(piece) }
                }
            }
        default:
            guard picker.state(ofPiece: piece) == .awaitingHash else { return }
            if Bool.random(using: &random) {
                picker.pieceVerified(piece)
                model.verify(piece)
            } else {
                _ = picker.pieceFailed(piece)
                model.fail(piece)
            }
        }
    }

    @Test("A swarm that has every piece gives every piece", arguments: 0..<200 as Range<UInt64>)
    func completes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let geometry = try #require(Self.geometry(using: &random))
        let count = geometry.pieceCount
        var picker = PiecePicker(
            geometry: geometry, have: Bitfield(count: count),
            order: Bool.random(using: &random) ? .rarestFirst : .sequential)
        let slots = (0..<UInt16.random(in: 1...5, using: &random)).map { PeerSlot($0) }
        for slot in slots { picker.peerJoined(slot, key: PeerKey(UInt32(slot.rawValue))) }
        for piece in 0..<count {
            for slot in slots where slot == slots[piece % slots.count] || Bool.random(using: &random) {
                picker.peerHas(slot, piece: piece)
            }
        }
        var queues: [PeerSlot: [Block]] = [:]
        var steps = 0
        while !picker.isFinished, steps < 10_000 {
            steps += 1
            guard let slot = slots.randomElement(using: &random) else { break }
            var blocks: [Block] = []
            let room = 4 - picker.inFlight(of: slot)
            picker.pick(for: slot, upTo: room, rate: .zero, using: &random, into: &blocks)
            queues[slot, default: []] += blocks
            guard let block = queues[slot]?.first else { continue }
            queues[slot]?.removeFirst()
            guard case .accepted(true, _) = picker.received(block, from: slot) else { continue }
            picker.pieceVerified(Int(block.piece))
        }
        #expect(picker.isFinished)
        #expect(picker.blocksInFlight == 0)
        #expect(slots.allSatisfy { !picker.isInteresting($0) && picker.inFlight(of: $0) == 0 })
    }
}
