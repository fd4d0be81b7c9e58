import Testing
import TorrentCatalog

@Suite("The hours of the alternative limits")
struct LimitScheduleTests {
    @Test("Hours over midnight belong to the day on which they begin")
    func hours() {
        let night = LimitSchedule(from: 22 * 60, to: 6 * 60, days: [0])
        #expect(night.contains(minute: 22 * 60, day: 0))
        #expect(night.contains(minute: 23 * 60 + 59, day: 0))
        #expect(night.contains(minute: 0, day: 1))
        #expect(night.contains(minute: 6 * 60 - 1, day: 1))
        #expect(!night.contains(minute: 6 * 60, day: 1))
        #expect(!night.contains(minute: 5 * 60, day: 0))
        #expect(!night.contains(minute: 22 * 60, day: 1))
        let day = LimitSchedule(from: 480, to: 960, days: [6])
        #expect(day.contains(minute: 480, day: 6) && !day.contains(minute: 960, day: 6))
        #expect(!day.contains(minute: 500, day: 5))
        let sunday = LimitSchedule(from: 1320, to: 120, days: [6])
        #expect(sunday.contains(minute: 60, day: 0) && !sunday.contains(minute: 60, day: 6))
        let always = LimitSchedule(from: 60, to: 60, days: Set(0...6))
        for day in 0...6 { for minute in 0..<1440 { #expect(always.contains(minute: minute, day: day)) } }
    }
}
