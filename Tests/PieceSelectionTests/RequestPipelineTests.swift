import PieceSelection
import SwarmTypes
import TestKit
import Testing

/// A peer that answers in order: `bytesPerSecond` after a round trip of `seconds`. Answers the depth at the end.
private func run(
    _ pipeline: inout RequestPipeline, bytesPerSecond: Double, roundTrip: Double, from start: Double,
    for seconds: Double
) -> Double {
    var arrivals: [Double] = []
    var first = 0
    var linkFree = start
    var now = start
    func fill() {
        let room = pipeline.room
        guard room > 0 else { return }
        pipeline.requested(room, at: Instant(nanoseconds: Int64(now * 1e9)))
        for _ in 0..<room {
            linkFree = max(linkFree, now + roundTrip) + 16384 / bytesPerSecond
            arrivals.append(linkFree)
        }
    }
    fill()
    var bytes = 0.0
    while first < arrivals.count, arrivals[first] < start + seconds {
        now = arrivals[first]
        first += 1
        bytes += 16384
        pipeline.received(16384, at: Instant(nanoseconds: Int64(now * 1e9)))
        fill()
    }
    // Leaves nothing outstanding for the next run.
    pipeline.withdrawn(pipeline.outstanding)
    return bytes / seconds
}

@Suite("The pipeline of requests")
struct RequestPipelineTests {
    @Test("Begins with eight, and never passes what the peer allows nor 2048")
    func limits() {
        #expect(RequestPipeline().room == 8)
        #expect(RequestPipeline(peerLimit: 3).room == 3)
        #expect(RequestPipeline(peerLimit: -5).room == 1)
        var pipeline = RequestPipeline(peerLimit: 50)
        _ = run(&pipeline, bytesPerSecond: 1e9, roundTrip: 0.0001, from: 0, for: 2)
        #expect(pipeline.depth == 50)
        pipeline = RequestPipeline()
        pipeline.setPeerLimit(1_000_000)
        _ = run(&pipeline, bytesPerSecond: 1e9, roundTrip: 0.1, from: 3, for: 2)
        #expect(pipeline.depth == RequestPipeline.maximumDepth)
    }

    @Test("A near peer, however fast, gets a queue of 512 blocks and no more")
    func nearPeer() {
        var pipeline = RequestPipeline(peerLimit: 2000)
        _ = run(&pipeline, bytesPerSecond: 500e6, roundTrip: 0.0001, from: 0, for: 5)
        #expect(pipeline.depth == 512)
    }

    @Test(
        "Fills a line of any speed and length within seconds, and queues no more than three seconds",
        arguments: [50_000, 1_000_000, 10_000_000, 100_000_000] as [Double], [0.0002, 0.02, 0.1, 0.3])
    func fillsTheLine(rate: Double, roundTrip: Double) {
        var pipeline = RequestPipeline(peerLimit: 100_000)
        _ = run(&pipeline, bytesPerSecond: rate, roundTrip: roundTrip, from: 0, for: 10)
        let reached = run(&pipeline, bytesPerSecond: rate, roundTrip: roundTrip, from: 10, for: 20)
        let possible = min(rate, Double(RequestPipeline.maximumDepth) * 16384 / (roundTrip + 0.001))
        #expect(reached > 0.9 * possible)
        #expect(Double(pipeline.depth) * 16384 / rate <= 3.1 || pipeline.depth <= 8)
    }

    @Test("On a fast line the depth is there within 100 ms")
    func fastStart() {
        var pipeline = RequestPipeline(peerLimit: 500)
        _ = run(&pipeline, bytesPerSecond: 500e6, roundTrip: 0.0001, from: 0, for: 0.1)
        #expect(pipeline.depth == 500)
    }

    @Test("Follows a peer that becomes slower")
    func slowsDown() {
        var pipeline = RequestPipeline(peerLimit: 2000)
        _ = run(&pipeline, bytesPerSecond: 10e6, roundTrip: 0.02, from: 0, for: 10)
        #expect(pipeline.depth > 500)
        _ = run(&pipeline, bytesPerSecond: 100e3, roundTrip: 0.02, from: 10, for: 60)
        #expect(pipeline.depth < 40)
    }

    @Test(
        "Asks in batches: of half the depth where the rest lasts for two round trips, else of an eighth",
        arguments: [(10e6, 0.02, 2), (10e6, 2.0, 8), (300e3, 0.02, 8)])
    func batches(rate: Double, roundTrip: Double, part: Int) {
        var pipeline = RequestPipeline(peerLimit: 2000)
        _ = run(&pipeline, bytesPerSecond: rate, roundTrip: roundTrip, from: 0, for: 60)
        let depth = pipeline.depth
        pipeline.withdrawn(pipeline.outstanding)
        pipeline.requested(depth - depth / part + 1, at: Instant(nanoseconds: 70_000_000_000))
        #expect(pipeline.room == 0)
        pipeline.withdrawn(1)
        #expect(pipeline.room == depth / part)
    }

    @Test(
        "A peer that stops is a snubber after the timeout, has one request at a time, and is forgiven with a block"
    )
    func snubbing() {
        var pipeline = RequestPipeline()
        #expect(pipeline.nextDeadline == nil)
        pipeline.requested(8, at: Instant(nanoseconds: 0))
        #expect(pipeline.nextDeadline == Instant(nanoseconds: 20_000_000_000))
        pipeline.received(16384, at: Instant(nanoseconds: 100_000_000))
        // A block resets the wait; the shortest timeout is four seconds.
        #expect(pipeline.timeoutSeconds == 4)
        #expect(pipeline.nextDeadline == Instant(nanoseconds: 4_100_000_000))
        let fired = [4_000_000_000, 4_100_000_000].map { pipeline.timerFired(at: Instant(nanoseconds: $0)) }
        #expect(fired == [false, true])
        #expect(pipeline.isSnubbed && pipeline.outstanding == 0 && pipeline.room == 1)
        #expect(pipeline.nextDeadline == nil)
        pipeline.requested(1, at: Instant(nanoseconds: 5_000_000_000))
        #expect(pipeline.room == 0)
        pipeline.received(16384, at: Instant(nanoseconds: 6_000_000_000))
        #expect(!pipeline.isSnubbed && pipeline.room == 4)
    }

    @Test(
        "The timeout stays between 4 s and 60 s, and follows slow answers",
        arguments: 0..<200 as Range<UInt64>)
    func timeout(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var pipeline = RequestPipeline()
        var now: Int64 = 0
        for _ in 0..<200 {
            pipeline.requested(Int.random(in: 0...4, using: &random), at: Instant(nanoseconds: now))
            now += Int64.random(in: 0...20_000_000_000, using: &random)
            if Bool.random(using: &random), pipeline.outstanding > 0 {
                pipeline.received(16384, at: Instant(nanoseconds: now))
            } else {
                pipeline.withdrawn(Int.random(in: 0...3, using: &random))
            }
            #expect((4...60).contains(pipeline.timeoutSeconds))
            #expect(pipeline.outstanding >= 0)
            #expect((pipeline.nextDeadline == nil) == (pipeline.outstanding == 0))
        }
    }
}
