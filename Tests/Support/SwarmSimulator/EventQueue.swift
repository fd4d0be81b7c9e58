import SwarmTypes

/// What is to happen, by time; at one time in the order in which it was added.
struct EventQueue<Event> {
    private struct Entry {
        let at: Instant
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            (self.at.nanoseconds, self.sequence) < (other.at.nanoseconds, other.sequence)
        }
    }

    /// A binary heap, the earliest first.
    private var heap: [Entry] = []
    private var added: UInt64 = 0

    var nextTime: Instant? { self.heap.first?.at }

    mutating func add(_ event: Event, at time: Instant) {
        self.heap.append(Entry(at: time, sequence: self.added, event: event))
        self.added += 1
        var child = self.heap.count - 1
        while child > 0, self.heap[child].isBefore(self.heap[(child - 1) / 2]) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> (at: Instant, event: Event)? {
        guard let first = self.heap.first else { return nil }
        let last = self.heap.removeLast()
        guard !self.heap.isEmpty else { return (first.at, first.event) }
        self.heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.heap.count {
                if self.heap[child].isBefore(self.heap[least]) { least = child }
            }
            guard least != parent else { return (first.at, first.event) }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }
}
