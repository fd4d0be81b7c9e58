import SwarmTypes
import TestKit
import Testing

@testable import SwarmCore

@Suite("The order of deadlines")
struct DeadlineHeapTests {
    @Test(
        "Whatever is set, moved and taken out, the earliest comes first", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var heap = DeadlineHeap()
        var model: [Int: Instant] = [:]
        for _ in 0..<300 {
            let number = Int.random(in: 0..<40, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 {
                heap.set(number, to: nil)
                model[number] = nil
            } else {
                let deadline = Instant(nanoseconds: Int64.random(in: 0..<50, using: &random))
                heap.set(number, to: deadline)
                model[number] = deadline
            }
            #expect(heap.count == model.count)
            #expect(heap.first?.deadline == model.values.min())
            if let first = heap.first { #expect(model[first.number] == first.deadline) }
        }
        while let first = heap.first {
            #expect(first.deadline == model.values.min())
            heap.set(first.number, to: nil)
            model[first.number] = nil
        }
        #expect(model.isEmpty)
    }
}
