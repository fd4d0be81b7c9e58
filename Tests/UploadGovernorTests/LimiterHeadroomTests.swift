import SwarmTypes
import Testing

@testable import UploadGovernor

@Suite("Headroom for clients that overshoot")
struct LimiterHeadroomTests {
    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test(
        "A client that keeps its limits costs nothing",
        arguments: [0, 500_000, 1_000_000, 1_005_000] as [Int64])
    func obedient(rate: Int64) {
        var headroom = LimiterHeadroom()
        for second in 0..<100 {
            headroom.observe(rate, busy: 9, slack: 0, cap: 1_000_000, maximum: 60, at: at(Double(second)))
        }
        #expect(headroom.reduced(1_000_000) == 1_000_000)
    }

    @Test("An overshoot is answered with headroom, within the bound")
    func overshoot() {
        var headroom = LimiterHeadroom()
        headroom.observe(1_010_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 60, at: at(0))
        #expect(headroom.reduced(1_000_000) == 950_000)
        headroom.observe(1_020_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 80, at: at(5))
        #expect(headroom.reduced(1_000_000) == 930_000)
        headroom.observe(1_200_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 80, at: at(10))
        #expect(headroom.reduced(1_000_000) == 920_000)
    }

    @Test("Rates far above the cap say nothing about overshoot")
    func nonsense() {
        var headroom = LimiterHeadroom()
        headroom.observe(5_000_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 60, at: at(0))
        #expect(headroom.thousandths == 0)
    }

    @Test("What was not needed for long is given back step by step")
    func givenBack() {
        var headroom = LimiterHeadroom()
        headroom.observe(1_030_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 60, at: at(0))
        var previous = headroom.thousandths
        for minute in 1...60 {
            headroom.observe(
                900_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 60, at: at(Double(minute) * 60))
            #expect(headroom.thousandths <= previous && headroom.thousandths >= previous - 10)
            previous = headroom.thousandths
        }
        #expect(previous == 0)
    }

    @Test("A tracker with few busy torrents starts with all of it, once its upload comes near the cap")
    func fewTorrents() {
        var headroom = LimiterHeadroom()
        headroom.observe(400_000, busy: 1, slack: 0, cap: 1_000_000, maximum: 70, at: at(0))
        #expect(headroom.thousandths == 0)
        headroom.observe(600_000, busy: 4, slack: 0, cap: 1_000_000, maximum: 70, at: at(3))
        #expect(headroom.thousandths == 70)
        for minute in 1...60 {
            headroom.observe(
                920_000, busy: 1, slack: 0, cap: 1_000_000, maximum: 70, at: at(Double(minute) * 60))
        }
        #expect(headroom.thousandths == 0)
    }

    @Test("Half of what idle torrents leave of their limits is headroom already")
    func slack() {
        var headroom = LimiterHeadroom()
        headroom.observe(900_000, busy: 1, slack: 45_000, cap: 1_000_000, maximum: 70, at: at(0))
        #expect(headroom.reduced(1_000_000) == 950_000)
        headroom.observe(900_000, busy: 1, slack: 55_000, cap: 1_000_000, maximum: 70, at: at(3))
        #expect(headroom.reduced(1_000_000) == 950_000)
        headroom.observe(900_000, busy: 1, slack: 1_000, cap: 1_000_000, maximum: 70, at: at(6))
        #expect(headroom.reduced(1_000_000) == 930_000)
    }

    @Test("What is small beside the busiest torrent needs no headroom, and small moves change nothing")
    func steady() {
        var headroom = LimiterHeadroom()
        func observe(_ steady: Int64, _ second: Double) {
            headroom.observe(
                700_000, busy: 2, slack: 0, steady: steady, cap: 800_000, maximum: 70, at: at(second))
        }
        observe(160_000, 0)
        #expect(headroom.reduced(800_000) == 752_000)
        observe(120_000, 3)
        #expect(headroom.reduced(800_000) == 752_000)
        observe(0, 6)
        #expect(headroom.reduced(800_000) == 744_000)
    }

    @Test("Switched off, it keeps nothing")
    func off() {
        var headroom = LimiterHeadroom()
        headroom.observe(1_030_000, busy: 9, slack: 0, cap: 1_000_000, maximum: 0, at: at(0))
        #expect(headroom.thousandths == 0)
    }
}
