import SwarmTypes
import TestKit
import Testing

@testable import NoticePolicy

@Suite("What lasts")
struct ConditionWatchTests {
    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    @Test("counts once, after its time, and its end counts only then")
    func lasting() {
        var watch = ConditionWatch<String>()
        func look(_ present: Set<String>, _ seconds: Double) -> (begun: [String], over: [String]) {
            watch.observe(present, patienceSeconds: 60, at: self.at(seconds))
        }
        #expect(look(["home"], 0).begun == [])
        #expect(look(["home"], 59).begun == [])
        #expect(look(["home"], 60).begun == ["home"])
        #expect(look(["home"], 500).begun == [])
        #expect(look([], 501).over == ["home"])
        #expect(look([], 502).over == [])
    }

    @Test("is nothing when it comes and goes")
    func flapping() {
        var watch = ConditionWatch<String>()
        for second in stride(from: 0.0, to: 600, by: 10) {
            let isThere = Int(second) % 50 != 0
            let news = watch.observe(isThere ? ["home"] : [], patienceSeconds: 60, at: self.at(second))
            #expect(news.begun.isEmpty && news.over.isEmpty)
        }
    }

    @Test("is followed up to a bound")
    func bounded() {
        var watch = ConditionWatch<Int>()
        let many = Set(0..<25_000)
        #expect(watch.observe(many, patienceSeconds: 0, at: self.at(0)).begun.count == 10_000)
        #expect(watch.observe([], patienceSeconds: 0, at: self.at(1)).over.count == 10_000)
    }

    @Test("Another hand is told by many torrents in a short time, not by one again and again")
    func foreignHand() throws {
        var watch = ForeignHandWatch()
        let ids = try (0..<30).map {
            try #require(TorrentID(bytes: [UInt8](repeating: UInt8($0), count: 20)))
        }
        for second in 0..<1000 {
            #expect(watch.changed(ids[0], of: "home", at: self.at(Double(second))) == nil)
        }
        for (index, id) in ids.enumerated() {
            #expect(watch.changed(id, of: "slow", at: self.at(Double(index) * 100)) == nil)
        }
        var counts: [Int] = []
        for id in ids {
            if let count = watch.changed(id, of: "quick", at: self.at(2000)) { counts.append(count) }
        }
        #expect(counts == [10, 10, 10])
    }
}
