import LibraryPolicy
import TestKit
import Testing

@Suite("The queue")
struct QueuePlanTests {
    private func candidates(_ random: inout SplitMix64) -> [QueueCandidate] {
        (0..<Int.random(in: 0...40, using: &random)).map { _ in
            QueueCandidate(
                isDownloading: Bool.random(using: &random),
                isForced: Int.random(in: 0..<8, using: &random) == 0,
                isSlow: Int.random(in: 0..<4, using: &random) == 0)
        }
    }

    @Test(
        "No bound is passed, forced ones always run, and nobody runs before one of its kind that waits",
        arguments: 0..<300 as Range<UInt64>)
    func bounds(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let candidates = self.candidates(&random)
        func bound() -> Int? {
            Bool.random(using: &random) ? Int.random(in: 0...10, using: &random) : nil
        }
        let bounds = QueueBounds(
            downloads: bound(), uploads: bound(), torrents: bound(), ignoresSlow: seed % 2 == 0)
        let runs = runningTorrents(candidates, bounds)
        #expect(runs.count == candidates.count)
        func counted(_ isDownloading: Bool) -> Int {
            candidates.indices.count { place in
                let candidate = candidates[place]
                return runs[place] && !candidate.isForced && candidate.isDownloading == isDownloading
                    && !(bounds.ignoresSlow && candidate.isSlow)
            }
        }
        #expect(counted(true) <= bounds.downloads ?? .max)
        #expect(counted(false) <= bounds.uploads ?? .max)
        #expect(counted(true) + counted(false) <= bounds.torrents ?? .max)
        for kind in [true, false] {
            let places = candidates.indices.filter {
                candidates[$0].isDownloading == kind && !candidates[$0].isForced
            }
            let firstWaiting = places.first { !runs[$0] } ?? .max
            #expect(places.allSatisfy { !runs[$0] || $0 < firstWaiting })
        }
        for (place, candidate) in candidates.enumerated() where candidate.isForced { #expect(runs[place]) }
    }

    @Test("Without bounds everybody runs")
    func unbounded() {
        let candidates = [QueueCandidate(isDownloading: true), QueueCandidate(isDownloading: false)]
        let bounds = QueueBounds(downloads: nil, uploads: nil, torrents: nil)
        #expect(runningTorrents(candidates, bounds) == [true, true])
    }

    @Test(
        "Moving keeps all members, and the order among those moved and among the others",
        arguments: 0..<200 as Range<UInt64>)
    func moving(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let members = Array(0..<Int.random(in: 1...20, using: &random)).shuffled(using: &random)
        let chosen = Set(members.filter { _ in Bool.random(using: &random) })
        for step in [QueueStep.top, .up, .down, .bottom] {
            let moved = queue(members, moving: chosen, step)
            #expect(moved.sorted() == members.sorted())
            #expect(moved.filter(chosen.contains) == members.filter(chosen.contains))
            #expect(moved.filter { !chosen.contains($0) } == members.filter { !chosen.contains($0) })
        }
        #expect(queue(members, moving: chosen, .top).prefix(chosen.count).allSatisfy(chosen.contains))
        #expect(queue(members, moving: chosen, .bottom).suffix(chosen.count).allSatisfy(chosen.contains))
    }

    @Test("One step is one place")
    func steps() {
        #expect(queue([1, 2, 3, 4], moving: [3], .up) == [1, 3, 2, 4])
        #expect(queue([1, 2, 3, 4], moving: [1, 2], .up) == [1, 2, 3, 4])
        #expect(queue([1, 2, 3, 4], moving: [1, 2], .down) == [3, 1, 2, 4])
        #expect(queue([1, 2, 3, 4], moving: [2, 4], .down) == [1, 3, 2, 4])
    }
}
