/// One bit for each piece, for "has it" and the like. Bit 0 is the highest bit of the first byte on the wire (BEP 3).
public struct Bitfield: Hashable, Sendable {
    /// Of bits.
    public let count: Int
    /// Of bits that are set.
    public private(set) var setCount = 0
    /// Bit i is bit 63 - i % 64 of word i / 64; bits beyond `count` are zero.
    @usableFromInline var words: [UInt64]

    /// All bits zero.
    public init(count: Int) {
        precondition(count >= 0, "a bit field cannot have a negative length")
        self.count = count
        self.words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    /// All bits one.
    public init(allSet count: Int) {
        self.init(count: count)
        for index in self.words.indices { self.words[index] = .max }
        if count % 64 != 0 { self.words[self.words.count - 1] = .max << UInt64(64 - count % 64) }
        self.setCount = count
    }

    /// Reads BEP 3's `bitfield`; nil when it has another length or a spare bit is set.
    public init?(wireBytes bytes: some Collection<UInt8>, count: Int) {
        guard bytes.count == (count + 7) / 8 else { return nil }
        self.init(count: count)
        for (index, byte) in bytes.enumerated() {
            self.words[index / 8] |= UInt64(byte) << UInt64(56 - index % 8 * 8)
        }
        if count % 64 != 0, let last = self.words.last, last << UInt64(count % 64) != 0 { return nil }
        self.setCount = self.words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    public var wireBytes: [UInt8] {
        (0..<(self.count + 7) / 8).map { index in
            UInt8(truncatingIfNeeded: self.words[index / 8] >> UInt64(56 - index % 8 * 8))
        }
    }

    public var isEmpty: Bool { self.setCount == 0 }
    public var isComplete: Bool { self.setCount == self.count }

    /// `index` must be below `count`.
    @inlinable
    public subscript(_ index: Int) -> Bool {
        self.words[index >> 6] & (1 << UInt64(63 - index & 63)) != 0
    }

    /// Answers whether the bit was zero.
    @discardableResult
    public mutating func set(_ index: Int) -> Bool {
        precondition(index >= 0 && index < self.count, "no such bit")
        let mask: UInt64 = 1 << UInt64(63 - index & 63)
        guard self.words[index >> 6] & mask == 0 else { return false }
        self.words[index >> 6] |= mask
        self.setCount += 1
        return true
    }

    /// Answers whether the bit was one.
    @discardableResult
    public mutating func clear(_ index: Int) -> Bool {
        precondition(index >= 0 && index < self.count, "no such bit")
        let mask: UInt64 = 1 << UInt64(63 - index & 63)
        guard self.words[index >> 6] & mask != 0 else { return false }
        self.words[index >> 6] &= ~mask
        self.setCount -= 1
        return true
    }

    /// Whether a bit is set here that is not set there. Both must have the same count.
    public func hasAny(notIn other: Bitfield) -> Bool {
        precondition(self.count == other.count, "bit fields of two torrents")
        for index in self.words.indices where self.words[index] & ~other.words[index] != 0 { return true }
        return false
    }

    /// Calls `body` with the number of each set bit, lowest first.
    public func forEachSet(_ body: (Int) -> Void) {
        for (index, word) in self.words.enumerated() {
            var rest = word
            while rest != 0 {
                let bit = rest.leadingZeroBitCount
                body(index * 64 + bit)
                rest &= ~(1 << UInt64(63 - bit))
            }
        }
    }

    /// The first bit at or after `start` that is set here and not set in `other`.
    public func first(from start: Int = 0, notIn other: Bitfield) -> Int? {
        precondition(self.count == other.count, "bit fields of two torrents")
        guard start < self.count else { return nil }
        var index = start >> 6
        var mask: UInt64 = .max >> UInt64(start & 63)
        while index < self.words.count {
            let word = self.words[index] & ~other.words[index] & mask
            if word != 0 { return index * 64 + word.leadingZeroBitCount }
            mask = .max
            index += 1
        }
        return nil
    }
}
