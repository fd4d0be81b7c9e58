import SwarmTypes
import TestKit
import Testing

@Suite("A bit field")
struct BitfieldTests {
    @Test("Bit 0 is the highest bit of the first byte (BEP 3)")
    func wireOrder() throws {
        let field = try #require(Bitfield(wireBytes: [0b1000_0001, 0b0100_0000], count: 10))
        #expect((0..<10).filter { field[$0] } == [0, 7, 9])
        #expect(field.setCount == 3)
        #expect(field.wireBytes == [0b1000_0001, 0b0100_0000])
    }

    @Test("Another length or a spare bit that is set is refused")
    func refused() {
        #expect(Bitfield(wireBytes: [0, 0], count: 8) == nil)
        #expect(Bitfield(wireBytes: [], count: 1) == nil)
        #expect(Bitfield(wireBytes: [0], count: 0) == nil)
        #expect(Bitfield(wireBytes: [0b0000_0001], count: 7) == nil)
        #expect(Bitfield(wireBytes: [0xFF] + Array(repeating: 0xFF, count: 8), count: 71) == nil)
        #expect(Bitfield(wireBytes: [], count: 0)?.isComplete == true)
    }

    @Test("All set is complete, and has no spare bit", arguments: [0, 1, 7, 8, 63, 64, 65, 128, 1000])
    func allSet(count: Int) {
        let field = Bitfield(allSet: count)
        #expect(field.isComplete && field.setCount == count)
        #expect(Bitfield(wireBytes: field.wireBytes, count: count) == field)
        #expect(Bitfield(count: count).isEmpty)
    }

    @Test("Agrees with a set of numbers, whatever is done", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 1...300, using: &random)
        var field = Bitfield(count: count)
        var other = Bitfield(count: count)
        var model: Set<Int> = []
        var otherModel: Set<Int> = []
        for _ in 0..<200 {
            let bit = Int.random(in: 0..<count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: #expect(field.clear(bit) == (model.remove(bit) != nil))
            case 1: #expect(other.set(bit) == otherModel.insert(bit).inserted)
            default: #expect(field.set(bit) == model.insert(bit).inserted)
            }
        }
        #expect(field.setCount == model.count && (0..<count).allSatisfy { field[$0] == model.contains($0) })
        #expect(field.hasAny(notIn: other) == !model.isSubset(of: otherModel))
        #expect(field.commonCount(with: other) == model.intersection(otherModel).count)
        var seen: [Int] = []
        field.forEachSet { seen.append($0) }
        #expect(seen == model.sorted())
        for start in [0, 1, 63, 64, 65, count - 1, count, count + 70] where start >= 0 {
            let after = model.filter { $0 >= start }
            #expect(field.first(from: start) == after.min())
            #expect(field.first(from: start, notIn: other) == after.subtracting(otherModel).min())
            #expect(field.firstCommon(with: other, from: start) == after.intersection(otherModel).min())
        }
        #expect(try #require(Bitfield(wireBytes: field.wireBytes, count: count)) == field)
    }
}
