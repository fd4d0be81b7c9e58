public import SwarmTypes
public import TrackerProtocol

/// The end of all dormant torrents at once.
struct DormantStopping: Sendable {
    let since: Instant
    /// By the host that is to be told, the torrents that wait for their turn.
    var waiting: [String: [Int32]] = [:]

    var deadline: Instant { self.since.advanced(bySeconds: AnnounceTiming.stopDeadline) }
    var hosts: some Sequence<String> { self.waiting.keys }
}

/// Trackers that acknowledged `started` are told `stopped`, as many as can be in the time there is; then the table is
/// empty. Torrents that no tracker knows are gone at once.
extension DormantTorrents {
    /// Answers the orders on their way that nobody waits for any more.
    public mutating func stop(at now: Instant) -> [(torrent: TorrentID, order: AnnounceOrder.ID)] {
        guard self.stopping == nil else { return [] }
        self.stopping = DormantStopping(since: now)
        var dropped: [(TorrentID, AnnounceOrder.ID)] = []
        for number in self.rows.indices {
            guard let id = self.rows[number]?.id else { continue }
            guard self.rows[number]?.schedule.isKnownToTrackers == true else {
                _ = self.take(id)
                continue
            }
            for order in self.rows[number]?.schedule.stop(at: now) ?? [] {
                dropped.append((id, order))
                self.forget(order, of: id)
            }
            self.stopStep(number, at: now)
        }
        return dropped
    }

    /// Nothing is left to be told, or no time.
    public var isStopped: Bool { self.stopping != nil && self.count == 0 }

    /// Removes a row that is told, or puts it where its turn comes.
    mutating func stopStep(_ number: Int, at now: Instant) {
        guard let row = self.rows[number] else { return }
        guard !row.schedule.isStopped, let deadline = row.schedule.nextDeadline else {
            _ = self.take(row.id)
            return
        }
        if deadline <= now, let host = row.schedule.dueHost(at: now) {
            self.heap.set(number, to: nil)
            self.stopping?.waiting[host, default: []].append(Int32(truncatingIfNeeded: number))
        } else {
            self.heap.set(number, to: deadline)
        }
    }

    mutating func dueWhileStopping(
        at now: Instant, port: UInt16, using random: inout some RandomNumberGenerator
    ) -> [DormantOrder] {
        guard let stopping = self.stopping else { return [] }
        if now >= stopping.deadline {
            // Nobody waits for the rest.
            self.removeAll()
            self.stopping = stopping
            self.stopping?.waiting = [:]
            return []
        }
        var orders: [DormantOrder] = []
        while let (deadline, number) = self.heap.first, deadline <= now {
            self.order(of: number, at: now, port: port, using: &random, into: &orders)
        }
        for host in Array(stopping.hosts) {
            while orders.count < Self.portion, self.hasRoom(for: host),
                let number = self.stopping?.waiting[host]?.popLast()
            {
                self.order(of: Int(number), at: now, port: port, using: &random, into: &orders)
            }
            if self.stopping?.waiting[host]?.isEmpty == true { self.stopping?.waiting[host] = nil }
        }
        return orders
    }
}
