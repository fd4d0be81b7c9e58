extension Bitfield {
    /// The first bit at or after `start` that is set.
    @inlinable
    public func first(from start: Int = 0) -> Int? {
        guard start < self.count else { return nil }
        var index = start >> 6
        var mask: UInt64 = .max >> UInt64(start & 63)
        while index < self.words.count {
            let word = self.words[index] & mask
            if word != 0 { return index << 6 + word.leadingZeroBitCount }
            mask = .max
            index += 1
        }
        return nil
    }

    /// The first bit at or after `start` that is set in both. Both must have the same count.
    @inlinable
    public func firstCommon(with other: Bitfield, from start: Int = 0) -> Int? {
        precondition(self.count == other.count, "bit fields of two torrents")
        guard start < self.count else { return nil }
        var index = start >> 6
        var mask: UInt64 = .max >> UInt64(start & 63)
        while index < self.words.count {
            let word = self.words[index] & other.words[index] & mask
            if word != 0 { return index << 6 + word.leadingZeroBitCount }
            mask = .max
            index += 1
        }
        return nil
    }

    /// Of bits that are set in both. Both must have the same count.
    public func commonCount(with other: Bitfield) -> Int {
        precondition(self.count == other.count, "bit fields of two torrents")
        var sum = 0
        for index in self.words.indices { sum += (self.words[index] & other.words[index]).nonzeroBitCount }
        return sum
    }
}
