/// Named things with the number of the change in which each came to be what it is, and those that went.
struct ChangeStamps<Value: Hashable & Sendable>: Sendable {
    private(set) var values: [String: (value: Value, changed: Int64)] = [:]
    private var removed: [(name: String, at: Int64)] = []

    /// Takes what there is now; answers whether anything is different.
    mutating func update(_ new: [String: Value], as number: Int64) -> Bool {
        var isDifferent = false
        for (name, value) in new where self.values[name]?.value != value {
            self.values[name] = (value, number)
            isDifferent = true
        }
        if self.values.count > new.count {
            for name in self.values.keys where new[name] == nil {
                self.values[name] = nil
                self.removed.append((name, number))
                isDifferent = true
            }
        }
        return isDifferent
    }

    mutating func set(_ name: String, _ value: Value?, as number: Int64) {
        if let value {
            self.values[name] = (value, number)
        } else if self.values.removeValue(forKey: name) != nil {
            self.removed.append((name, number))
        }
    }

    func changed(after number: Int64) -> [(name: String, value: Value)] {
        self.values.filter { $0.value.changed > number }.map { ($0.key, $0.value.value) }
            .sorted { $0.name < $1.name }
    }

    /// Without those that came back.
    func removed(after number: Int64) -> [String] {
        Set(self.removed.filter { $0.at > number && self.values[$0.name] == nil }.map(\.name)).sorted()
    }

    /// Forgets the oldest removals beyond `limit`; answers the number up to which all are forgotten, nil for none.
    mutating func trim(to limit: Int) -> Int64? {
        guard self.removed.count > limit else { return nil }
        let excess = self.removed.count - limit / 2
        let last = self.removed[excess - 1].at
        self.removed.removeFirst(excess)
        return last
    }
}
