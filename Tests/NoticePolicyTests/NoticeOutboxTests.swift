import SwarmTypes
import TestKit
import Testing

@testable import NoticePolicy

@Suite("What waits to be told")
struct NoticeOutboxTests {
    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    private func next(_ outbox: inout NoticeOutbox, _ now: Instant) throws -> NoticeMessage {
        let message = outbox.next(at: now)
        return try #require(message)
    }

    private func filled(_ lines: [String], _ kind: NoticeKind = .torrentComplete) -> NoticeOutbox {
        var outbox = NoticeOutbox()
        for line in lines { outbox.add(kind, line, at: self.at(0), secondsSince1970: 1000) }
        return outbox
    }

    @Test("is collected a moment, and things of one kind become one message")
    func collects() throws {
        var outbox = self.filled(["one", "two", "two"])
        #expect(outbox.next(at: self.at(1.9)) == nil)
        #expect(outbox.nextDeadline == self.at(2))
        let message = try self.next(&outbox, self.at(2))
        #expect(message.lines == ["one", "two"])
        #expect(message.title == "2 torrents are complete")
        #expect(message.time == 1000)
        #expect(outbox.next(at: self.at(2)) == nil, "one at a time")
        #expect(outbox.nextDeadline == nil)
        #expect(outbox.ended(.taken, at: self.at(3)) == .done)
    }

    @Test("stays bounded: beyond ten lines only the number grows")
    func bounded() throws {
        var outbox = self.filled((0..<5000).map { "torrent \($0)" })
        let message = try self.next(&outbox, self.at(2))
        #expect(message.lines.count == 10)
        #expect(message.count == 5000)
        #expect(message.text.hasSuffix("\nand 4990 more"))
    }

    @Test("comes at most once a minute for one kind, and meanwhile gathers")
    func spacing() throws {
        var outbox = self.filled(["one"])
        _ = try self.next(&outbox, self.at(2))
        _ = outbox.ended(.taken, at: self.at(2))
        outbox.add(.torrentComplete, "two", at: self.at(3), secondsSince1970: 1003)
        outbox.add(.torrentComplete, "three", at: self.at(30), secondsSince1970: 1030)
        outbox.add(.rollback, "all", at: self.at(4), secondsSince1970: 1004)
        let other = try self.next(&outbox, self.at(6))
        #expect(other.kind == .rollback, "other kinds do not wait for it")
        _ = outbox.ended(.taken, at: self.at(6))
        #expect(outbox.next(at: self.at(61.9)) == nil)
        let message = try self.next(&outbox, self.at(62))
        #expect(message.lines == ["two", "three"])
    }

    @Test("is tried again ever later, and given up after an hour at most")
    func retries() throws {
        var outbox = self.filled(["one"])
        var now = 2.0
        var pauses: [Double] = []
        for attempt in 1...NoticeOutbox.maximumTries {
            let message = try self.next(&outbox, self.at(now))
            #expect(message.lines == ["one"])
            switch outbox.ended(.failed, at: self.at(now)) {
            case .again(let seconds):
                pauses.append(seconds)
                #expect(outbox.next(at: self.at(now + seconds - 0.01)) == nil)
                #expect(outbox.nextDeadline == self.at(now).advanced(bySeconds: seconds))
                now += seconds
            case .givenUp(let given):
                #expect(given == message)
                #expect(attempt == NoticeOutbox.maximumTries)
            case .done: Issue.record("a failure is not done")
            }
        }
        #expect(pauses.first == 5)
        #expect(pauses.max() == NoticeOutbox.longestRetrySeconds)
        #expect(pauses.reduce(0, +) < 3600)
        #expect(outbox.nextDeadline == nil)
    }

    @Test("goes on with the next thing when the receiver says no")
    func refusals() throws {
        var outbox = self.filled(["one"])
        outbox.add(.diskFull, "name", at: self.at(1), secondsSince1970: 1001)
        let first = try self.next(&outbox, self.at(3))
        #expect(outbox.ended(.refused, at: self.at(3)) == .givenUp(first))
        let second = try self.next(&outbox, self.at(3))
        #expect(second.kind == .diskFull)
    }

    @Test("is not repeated within the hour where the same thing comes again and again")
    func repeats() throws {
        var outbox = self.filled(["no space"], .recordFailed)
        _ = outbox.next(at: self.at(2))
        _ = outbox.ended(.taken, at: self.at(2))
        for minute in 1..<60 {
            outbox.add(.recordFailed, "no space", at: self.at(Double(minute) * 60), secondsSince1970: 0)
        }
        #expect(outbox.nextDeadline == nil)
        outbox.add(.recordFailed, "no space", at: self.at(3700), secondsSince1970: 0)
        #expect(outbox.nextDeadline != nil)
    }

    @Test("is forgotten with its receiver, also what is under way")
    func clearing() {
        var outbox = self.filled(["one"])
        _ = outbox.next(at: self.at(2))
        outbox.add(.rollback, "x", at: self.at(2), secondsSince1970: 0)
        outbox.clear()
        #expect(outbox.nextDeadline == nil)
        #expect(outbox.ended(.failed, at: self.at(3)) == .done)
        #expect(outbox.next(at: self.at(100)) == nil)
    }

    @Test(
        "never loses or doubles a thing whose receiver takes messages sooner or later",
        arguments: 0..<200 as Range<UInt64>)
    func everythingArrives(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var outbox = NoticeOutbox()
        var added = 0
        var arrived = 0
        var now = 0.0
        for step in 0..<400 {
            now += Double.random(in: 0...20, using: &random)
            if step < 200, Bool.random(using: &random) {
                let kind = [NoticeKind.torrentComplete, .torrentTrouble, .instanceDown].randomElement(
                    using: &random)
                outbox.add(kind ?? .rollback, "thing \(step)", at: self.at(now), secondsSince1970: 0)
                added += 1
            }
            guard let message = outbox.next(at: self.at(now)) else { continue }
            // Two failures in a row at most: nothing is given up.
            let isTaken = step % 3 == 0 || Bool.random(using: &random)
            if isTaken { arrived += message.count }
            _ = outbox.ended(isTaken ? .taken : .failed, at: self.at(now))
        }
        while let deadline = outbox.nextDeadline, let message = outbox.next(at: deadline) {
            arrived += message.count
            _ = outbox.ended(.taken, at: deadline)
        }
        #expect(arrived == added)
    }
}
