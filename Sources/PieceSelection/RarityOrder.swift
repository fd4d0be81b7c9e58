import SwarmTypes

/// The pieces that nobody was asked for yet, sorted by priority and then by how few peers have them.
///
/// One array sorted into classes, and for each piece its place in it: a piece whose availability changes by one
/// moves over one border, by one swap. In front of the first class lies what has left the order. Among the
/// pieces of one class the order means nothing; chance chooses when one is taken.
struct RarityOrder: Sendable {
    /// Availability above this is no longer told apart.
    static let width = 128

    private(set) var order: [UInt32]
    /// Of a piece in the order: where. Of an open piece: the number of its record.
    private(set) var place: [UInt32]
    /// Class k occupies `starts[k]..<starts[k + 1]`.
    private(set) var starts: [UInt32] = [0]
    /// The first class of each priority; only priorities in use have classes.
    private var firstClass: [Int] = []

    init(pieceCount: Int) {
        self.order = [UInt32](repeating: 0, count: pieceCount)
        self.place = [UInt32](repeating: 0, count: pieceCount)
    }

    var classCount: Int { self.starts.count - 1 }
    var pieceCount: Int { self.order.count - Int(self.starts[0]) }

    func members(ofClass number: Int) -> Range<Int> {
        Int(self.starts[number])..<Int(self.starts[number + 1])
    }

    /// All pieces of the highest priority that has any.
    var highestPriorityMembers: Range<Int> {
        for first in stride(from: 0, to: self.classCount, by: Self.width) {
            let range = Int(self.starts[first])..<Int(self.starts[first + Self.width])
            if !range.isEmpty { return range }
        }
        return 0..<0
    }

    /// Of pieces without a copy among the peers that are counted.
    var zeroCount: Int {
        stride(from: 0, to: self.classCount, by: Self.width).reduce(0) {
            $0 + self.members(ofClass: $1).count
        }
    }

    func classNumber(priority: PiecePriority, availability: UInt16) -> Int {
        self.firstClass[Int(priority.rawValue)] + min(Int(availability), Self.width - 1)
    }

    mutating func setRecord(_ record: Int, ofPiece piece: Int) { self.place[piece] = UInt32(record) }

    /// Sorts anew, by counting: one pass to count, one to place.
    mutating func rebuild(closed: Bitfield, priorities: [PiecePriority], availability: [UInt16]) {
        var isUsed = [Bool](repeating: false, count: PiecePriority.allCases.count)
        closed.forEachSet { isUsed[Int(priorities[$0].rawValue)] = true }
        self.firstClass = [Int](repeating: 0, count: isUsed.count)
        var count = 0
        for priority in isUsed.indices.reversed() where isUsed[priority] {
            self.firstClass[priority] = count
            count += Self.width
        }
        var sizes = [UInt32](repeating: 0, count: count + 1)
        closed.forEachSet { piece in
            sizes[self.classNumber(priority: priorities[piece], availability: availability[piece])] += 1
        }
        var start = UInt32(self.order.count - closed.setCount)
        for number in sizes.indices {
            let size = sizes[number]
            sizes[number] = start
            start += size
        }
        self.starts = sizes
        var piece = closed.first()
        while let found = piece {
            let number = self.classNumber(priority: priorities[found], availability: availability[found])
            self.order[Int(sizes[number])] = UInt32(found)
            self.place[found] = sizes[number]
            sizes[number] += 1
            piece = closed.first(from: found + 1)
        }
    }

    /// The piece has one copy more than class `number` says.
    mutating func rise(_ piece: Int, fromClass number: Int) {
        guard number % Self.width != Self.width - 1 else { return }
        self.swap(piece, withPlace: self.starts[number + 1] - 1)
        self.starts[number + 1] -= 1
    }

    /// The piece has one copy less than class `number` says.
    mutating func fall(_ piece: Int, fromClass number: Int) {
        self.swap(piece, withPlace: self.starts[number])
        self.starts[number] += 1
    }

    /// Takes the piece out: over all lower borders, of which a rare piece has few.
    mutating func remove(_ piece: Int, fromClass number: Int) {
        var number = number
        while number >= 0 {
            let start = self.starts[number]
            if start != self.place[piece] { self.swap(piece, withPlace: start) }
            self.starts[number] = start + 1
            number -= 1
        }
    }

    private mutating func swap(_ piece: Int, withPlace target: UInt32) {
        let old = self.place[piece]
        let other = self.order[Int(target)]
        self.order[Int(old)] = other
        self.place[Int(other)] = old
        self.order[Int(target)] = UInt32(truncatingIfNeeded: piece)
        self.place[piece] = target
    }
}
