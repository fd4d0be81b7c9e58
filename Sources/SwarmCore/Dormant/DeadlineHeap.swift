import SwarmTypes

/// Numbers from 0 in the order of their deadlines; each is in it once at most, and can be moved or taken out at any time.
struct DeadlineHeap: Sendable {
    private struct Entry {
        var deadline: Instant
        var number: Int32
    }

    private var heap: [Entry] = []
    /// By number, its place in the heap; -1 when it is not there.
    private var places: [Int32] = []

    var count: Int { self.heap.count }
    var first: (deadline: Instant, number: Int)? {
        self.heap.first.map { ($0.deadline, Int($0.number)) }
    }

    /// Nil takes it out.
    mutating func set(_ number: Int, to deadline: Instant?) {
        while self.places.count <= number { self.places.append(-1) }
        let place = Int(self.places[number])
        guard let deadline else {
            if place >= 0 { self.remove(at: place) }
            return
        }
        let entry = Entry(deadline: deadline, number: Int32(truncatingIfNeeded: number))
        if place < 0 {
            self.heap.append(entry)
            self.settle(entry, from: self.heap.count - 1)
        } else {
            self.settle(entry, from: place)
        }
    }

    private mutating func remove(at place: Int) {
        self.places[Int(self.heap[place].number)] = -1
        let last = self.heap.removeLast()
        if place < self.heap.count { self.settle(last, from: place) }
    }

    /// Puts an entry where it belongs, given a place that is free for it.
    private mutating func settle(_ entry: Entry, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.deadline < self.heap[parent].deadline else { break }
            self.put(self.heap[parent], at: place)
            place = parent
        }
        while true {
            var child = 2 * place + 1
            guard child < self.heap.count else { break }
            if child + 1 < self.heap.count, self.heap[child + 1].deadline < self.heap[child].deadline {
                child += 1
            }
            guard self.heap[child].deadline < entry.deadline else { break }
            self.put(self.heap[child], at: place)
            place = child
        }
        self.put(entry, at: place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        self.heap[place] = entry
        self.places[Int(entry.number)] = Int32(truncatingIfNeeded: place)
    }
}
