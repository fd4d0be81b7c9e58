import LimitPlanning
import SwarmTypes
import Testing

@Suite("How active a torrent is")
struct ActivityScoreTests {
    private func score(_ bytesPerSecond: Int64, age: Int64?, peers: Int32) -> Double {
        activityScore(
            of: PlanningTorrent(
                key: key(0), tracker: 0, uploadRate: rate(bytesPerSecond), limit: .unlimited, leeches: peers,
                lastActivityAgeSeconds: age))
    }

    @Test("Uploading counts most, then the age of the last activity, then peers")
    func documented() {
        #expect(score(10_241, age: nil, peers: 0) == 1)
        #expect(score(10_240, age: nil, peers: 0) == 0)
        #expect(score(0, age: 3_599, peers: 0) == 0.8)
        #expect(score(0, age: 3_600, peers: 6) == 0.6)
        #expect(score(0, age: 86_399, peers: 21) == 0.5)
        #expect(score(0, age: 86_400, peers: 5) == 0)
        #expect(score(0, age: 0, peers: 100) == 1)
    }
}
