import SwarmTypes

/// Things to do at points in time, earliest first, equal times in the order of their identifiers.
///
/// A binary heap whose removed entries stay until they come up, or until they are the majority.
struct DeadlineQueue<Action> {
    private struct Entry {
        var deadline: Instant
        var id: UInt64

        func isBefore(_ other: Entry) -> Bool {
            (self.deadline, self.id) < (other.deadline, other.id)
        }
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: Action] = [:]

    var count: Int { self.actions.count }

    /// With the removed ones that are still stored.
    var storedEntryCount: Int { self.heap.count }

    /// `id` must be new.
    mutating func insert(_ action: Action, id: UInt64, at deadline: Instant) {
        self.actions[id] = action
        self.heap.append(Entry(deadline: deadline, id: id))
        self.siftUp(from: self.heap.count - 1)
    }

    /// Nil when it was taken or removed before.
    mutating func remove(id: UInt64) -> Action? {
        let action = self.actions.removeValue(forKey: id)
        if action != nil, self.heap.count > 2 * self.actions.count + 32 { self.dropRemoved() }
        return action
    }

    mutating func earliest() -> Instant? {
        while let first = self.heap.first {
            if self.actions[first.id] != nil { return first.deadline }
            self.removeFirst()
        }
        return nil
    }

    /// Takes the earliest action, if its time has come and it was inserted before `id`.
    mutating func takeDue(at now: Instant, insertedBefore id: UInt64) -> Action? {
        guard let deadline = self.earliest(), deadline <= now, let first = self.heap.first, first.id < id
        else {
            return nil
        }
        self.removeFirst()
        return self.actions.removeValue(forKey: first.id)
    }

    /// In the order of time.
    mutating func takeAll() -> [Action] {
        let ordered = self.heap.sorted { $0.isBefore($1) }.compactMap { self.actions[$0.id] }
        self.heap = []
        self.actions = [:]
        return ordered
    }

    private mutating func dropRemoved() {
        self.heap.removeAll { self.actions[$0.id] == nil }
        // A sorted array is a heap.
        self.heap.sort { $0.isBefore($1) }
    }

    private mutating func removeFirst() {
        let last = self.heap.removeLast()
        guard !self.heap.isEmpty else { return }
        self.heap[0] = last
        self.siftDown()
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard self.heap[index].isBefore(self.heap[parent]) else { return }
            self.heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown() {
        var index = 0
        while true {
            let left = 2 * index + 1
            let right = left + 1
            var smallest = index
            if left < self.heap.count, self.heap[left].isBefore(self.heap[smallest]) { smallest = left }
            if right < self.heap.count, self.heap[right].isBefore(self.heap[smallest]) { smallest = right }
            guard smallest != index else { return }
            self.heap.swapAt(index, smallest)
            index = smallest
        }
    }
}
