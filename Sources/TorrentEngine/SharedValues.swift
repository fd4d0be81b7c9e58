/// Values that many rows share, by small numbers; a value goes with its last user.
struct SharedValues<Value: Hashable> {
    private struct Entry {
        var value: Value
        var users: Int
    }

    private var entries: [Entry?] = []
    private var free: [Int32] = []
    private var numbers: [Value: Int32] = [:]

    var count: Int { self.numbers.count }

    /// Nil once its last user has left.
    subscript(number: Int32) -> Value? {
        self.entries.indices.contains(Int(number)) ? self.entries[Int(number)]?.value : nil
    }

    /// Answers the value's number, with one user more.
    mutating func join(_ value: Value) -> Int32 {
        if let number = self.numbers[value] {
            self.entries[Int(number)]?.users += 1
            return number
        }
        let number = self.free.popLast() ?? Int32(truncatingIfNeeded: self.entries.count)
        if Int(number) == self.entries.count { self.entries.append(nil) }
        self.entries[Int(number)] = Entry(value: value, users: 1)
        self.numbers[value] = number
        return number
    }

    mutating func leave(_ number: Int32) {
        guard self.entries.indices.contains(Int(number)), let entry = self.entries[Int(number)] else {
            return
        }
        self.entries[Int(number)]?.users = entry.users - 1
        guard entry.users == 1 else { return }
        self.entries[Int(number)] = nil
        self.numbers[entry.value] = nil
        self.free.append(number)
    }
}
