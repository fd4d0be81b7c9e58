import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

@Suite("The queue of requests")
struct RequestQueueTests {
    @Test("Four at a time to one host, and the next when one has ended")
    func perHost() {
        var queue = RequestQueue()
        for _ in 0..<6 { _ = queue.add(host: "a", priority: .interval) }
        let first = queue.takeReady(at: seconds(0))
        #expect(first.count == 4 && queue.takeReady(at: seconds(5)).isEmpty)
        #expect(queue.nextDeadline(at: seconds(5)) == nil)
        queue.remove(first[0], at: seconds(5))
        #expect(queue.takeReady(at: seconds(5)).count == 1)
    }

    @Test("At most ten a second begin to one host, however short they are")
    func perSecond() throws {
        var queue = RequestQueue()
        for _ in 0..<100 { _ = queue.add(host: "a", priority: .interval) }
        var starts: [Double] = []
        var now = 0.0
        while starts.count < 100 {
            let ready = queue.takeReady(at: seconds(now))
            for ticket in ready {
                starts.append(now)
                queue.remove(ticket, at: seconds(now))
            }
            guard ready.isEmpty else { continue }
            let deadline = queue.nextDeadline(at: seconds(now))
            let next = try #require(deadline)
            now = max(now, Double(next.nanoseconds) / 1e9)
        }
        for (earlier, later) in zip(starts, starts.dropFirst(10)) { #expect(later - earlier >= 0.999_999) }
        #expect(abs(now - 9) < 0.01)
    }

    @Test("Sixty-four in all")
    func inAll() {
        var queue = RequestQueue()
        for host in 0..<100 { _ = queue.add(host: "\(host)", priority: .new) }
        #expect(queue.takeReady(at: seconds(0)).count == 64)
        #expect(queue.nextDeadline(at: seconds(0)) == nil)
    }

    @Test("New before stopped and completed, these before intervals, each in the order of arrival")
    func priorities() {
        var queue = RequestQueue(limits: .init(perHost: 1, endingPerHost: 1))
        var expected: [AnnouncePriority: [RequestQueue.Ticket]] = [:]
        for priority in [.interval, .ending, .new, .interval, .ending, .new] as [AnnouncePriority] {
            expected[priority, default: []].append(queue.add(host: "a", priority: priority))
        }
        var order: [RequestQueue.Ticket] = []
        for turn in 0..<6 {
            let ready = queue.takeReady(at: seconds(Double(turn)))
            order += ready
            for ticket in ready { queue.remove(ticket, at: seconds(Double(turn))) }
        }
        #expect(order == AnnouncePriority.allCases.flatMap { expected[$0] ?? [] })
    }

    @Test("A host with thousands waiting does not hold up another")
    func fairness() {
        var queue = RequestQueue(limits: .init(perHost: 50, perHostEachSecond: 50, inAll: 8))
        for _ in 0..<5000 { _ = queue.add(host: "big", priority: .interval) }
        let small = (0..<4).map { _ in queue.add(host: "small", priority: .interval) }
        #expect(Set(queue.takeReady(at: seconds(0))).isSuperset(of: small))
    }

    @Test("What is removed never begins, and nothing of it stays")
    func removal() {
        var queue = RequestQueue()
        let tickets = (0..<1000).map { _ in queue.add(host: "a", priority: .new) }
        for ticket in tickets { queue.remove(ticket, at: seconds(0)) }
        for ticket in tickets { queue.remove(ticket, at: seconds(0)) }
        #expect(queue.count == 0 && queue.takeReady(at: seconds(0)).isEmpty)
        #expect(queue.nextDeadline(at: seconds(0)) == nil)
    }

    @Test("The limits hold, and everything begins once, in any order of events", arguments: 0..<200)
    func limits(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limits = RequestQueue.Limits(
            perHost: Int.random(in: 1...4, using: &random),
            perHostEachSecond: Int.random(in: 1...10, using: &random),
            inAll: Int.random(in: 1...10, using: &random), endingPerHost: 1, endingPerHostEachSecond: 1)
        var queue = RequestQueue(limits: limits)
        var hosts: [RequestQueue.Ticket: String] = [:]
        var running: Set<RequestQueue.Ticket> = []
        var waiting: Set<RequestQueue.Ticket> = []
        var starts: [String: [Double]] = [:]
        var now = 0.0
        for _ in 0..<300 {
            now += Double.random(in: 0...0.2, using: &random)
            if Bool.random(using: &random) {
                let host = "\(Int.random(in: 0..<80, using: &random) % 3)"
                let priority = AnnouncePriority.allCases.randomElement(using: &random) ?? .new
                let ticket = queue.add(host: host, priority: priority)
                hosts[ticket] = host
                waiting.insert(ticket)
            }
            let leaving = Bool.random(using: &random) ? running : waiting
            let victim = leaving.min { $0.number < $1.number }
            if let victim, Int.random(in: 0..<3, using: &random) == 0 {
                queue.remove(victim, at: seconds(now))
                running.remove(victim)
                waiting.remove(victim)
            }
            for ticket in queue.takeReady(at: seconds(now)) {
                #expect(waiting.remove(ticket) != nil)
                running.insert(ticket)
                starts[hosts[ticket] ?? "", default: []].append(now)
            }
            #expect(running.count <= limits.inAll && queue.count == running.count + waiting.count)
            for host in Set(hosts.values) {
                #expect(running.count { hosts[$0] == host } <= limits.perHost)
            }
        }
        for times in starts.values {
            for (earlier, later) in zip(times, times.dropFirst(limits.perHostEachSecond)) {
                #expect(later - earlier >= 0.999_999)
            }
        }
    }
}

@Suite("Limits of the queue that change")
struct RequestQueueLimitsTests {
    @Test("At the end of a session sixteen at a time and 500 a second go to one host")
    func end() {
        var queue = RequestQueue()
        for _ in 0..<1200 { _ = queue.add(host: "a", priority: .ending) }
        queue.limits = .atTheEnd
        #expect(queue.takeReady(at: seconds(0)).count == 16)
        var begun = 16
        queue.limits.perHost = 10_000
        queue.limits.inAll = 10_000
        begun += queue.takeReady(at: seconds(0.5)).count
        #expect(begun == 500)
        #expect(queue.takeReady(at: seconds(0.9)).isEmpty)
        #expect(queue.takeReady(at: seconds(1)).count == 16)
        #expect(queue.takeReady(at: seconds(1.5)).count == 484)
    }

    @Test("Five hundred torrents of one tracker that are stopped together are all told within five seconds")
    func stoppedTogether() throws {
        var queue = RequestQueue()
        for _ in 0..<500 { _ = queue.add(host: "a", priority: .ending) }
        for _ in 0..<50 { _ = queue.add(host: "a", priority: .interval) }
        var begun = 0
        var now = 0.0
        while queue.count > 50 {
            // Each takes a twentieth of a second.
            let ready = queue.takeReady(at: seconds(now))
            begun += ready.count
            now += 0.05
            for ticket in ready { queue.remove(ticket, at: seconds(now)) }
        }
        #expect(begun == 500 && now < 5)
    }

    @Test("Fewer a second hold from then on")
    func fewer() {
        var queue = RequestQueue(limits: .init(perHost: 100, perHostEachSecond: 50))
        for _ in 0..<100 { _ = queue.add(host: "a", priority: .interval) }
        #expect(queue.takeReady(at: seconds(0)).count == 50)
        queue.limits.perHostEachSecond = 10
        #expect(queue.takeReady(at: seconds(0.5)).isEmpty)
        #expect(queue.takeReady(at: seconds(1)).count == 10)
    }

    @Test("The more torrents, the faster they are announced, within bounds")
    func torrents() {
        #expect(RequestQueue.Limits.standard(torrents: 1) == RequestQueue.Limits())
        #expect(RequestQueue.Limits.standard(torrents: 30_000).perHostEachSecond == 20)
        #expect(RequestQueue.Limits.standard(torrents: 1_000_000).perHostEachSecond == 50)
    }
}
