import SwarmTypes

/// What is known of one block of an open piece.
struct BlockCell: Sendable {
    enum Kind: UInt8 { case free, requested, received }

    static let nobody = UInt16.max
    static let free = BlockCell()

    var kind = Kind.free
    /// While requested: who was asked, the first free place is the first `nobody`. When received: the sender's key.
    private var first = Self.nobody
    private var second = Self.nobody
    private var third = Self.nobody

    static func received(from key: PeerKey) -> BlockCell {
        var cell = BlockCell()
        cell.kind = .received
        cell.first = UInt16(truncatingIfNeeded: key.rawValue >> 16)
        cell.second = UInt16(truncatingIfNeeded: key.rawValue)
        return cell
    }

    var sender: PeerKey { PeerKey(UInt32(self.first) << 16 | UInt32(self.second)) }

    var ownerCount: Int {
        guard self.kind == .requested else { return 0 }
        return self.second == Self.nobody ? 1 : self.third == Self.nobody ? 2 : 3
    }

    func owner(_ number: Int) -> UInt16 {
        switch number {
        case 0: self.first
        case 1: self.second
        default: self.third
        }
    }

    func isRequested(from slot: UInt16) -> Bool {
        self.kind == .requested && (self.first == slot || self.second == slot || self.third == slot)
    }

    /// There must be less than three.
    mutating func addOwner(_ slot: UInt16) {
        if self.kind == .free {
            self.kind = .requested
            self.first = slot
        } else if self.second == Self.nobody {
            self.second = slot
        } else {
            self.third = slot
        }
    }

    /// Answers whether the block is free now.
    mutating func removeOwner(_ slot: UInt16) -> Bool {
        if self.first == slot {
            (self.first, self.second, self.third) = (self.second, self.third, Self.nobody)
        } else if self.second == slot {
            (self.second, self.third) = (self.third, Self.nobody)
        } else {
            self.third = Self.nobody
        }
        guard self.first == Self.nobody else { return false }
        self.kind = .free
        return true
    }
}

/// The pieces of which blocks were asked for or have come: a record each, and their blocks in one flat array.
struct OpenPieces: Sendable {
    struct Record: Sendable {
        /// `UInt32.max` when the record is not in use.
        var piece: UInt32 = .max
        var blockCount: Int32 = 0
        var freeCount: Int32 = 0
        var receivedCount: Int32 = 0
        /// No block before this one is free.
        var firstFree: Int32 = 0
        /// The one peer that may take blocks of it while there is other work; `BlockCell.nobody` for anyone.
        var exclusiveTo = BlockCell.nobody
        /// Its hash was wrong: the next peer that takes it takes it alone, so that a liar is found.
        var needsOnePeer = false
        /// Where in `withFree`; -1 when it has no free block.
        var listIndex: Int32 = -1

        var requestedCount: Int32 { self.blockCount - self.freeCount - self.receivedCount }
    }

    /// Of the longest piece, in blocks.
    private let stride: Int
    private(set) var records: [Record] = []
    private(set) var cells: [BlockCell] = []
    private var unusedRecords: [Int32] = []
    /// Records with at least one free block.
    private(set) var withFree: [Int32] = []
    /// Records with a block that is not received.
    private(set) var incompleteCount = 0
    /// Blocks that at least one peer was asked for.
    private(set) var requestedBlockCount = 0

    init(blocksPerPiece: Int) { self.stride = blocksPerPiece }

    /// All its blocks are free.
    mutating func open(_ piece: Int, blockCount: Int) -> Int {
        let number: Int
        if let unused = self.unusedRecords.popLast() {
            number = Int(unused)
        } else {
            number = self.records.count
            self.records.append(Record())
            self.cells.append(contentsOf: repeatElement(.free, count: self.stride))
        }
        var record = Record()
        record.piece = UInt32(truncatingIfNeeded: piece)
        record.blockCount = Int32(truncatingIfNeeded: blockCount)
        record.freeCount = record.blockCount
        self.records[number] = record
        self.incompleteCount += 1
        self.listFree(number)
        return number
    }

    mutating func close(_ number: Int) {
        if self.records[number].receivedCount < self.records[number].blockCount { self.incompleteCount -= 1 }
        self.requestedBlockCount -= Int(self.records[number].requestedCount)
        self.unlistFree(number)
        self.freeCells(number)
        self.records[number] = Record()
        self.unusedRecords.append(Int32(number))
    }

    /// Makes every block free again.
    mutating func reset(_ number: Int) {
        if self.records[number].receivedCount == self.records[number].blockCount { self.incompleteCount += 1 }
        self.requestedBlockCount -= Int(self.records[number].requestedCount)
        self.freeCells(number)
        self.records[number].receivedCount = 0
        self.records[number].freeCount = self.records[number].blockCount
        self.records[number].firstFree = 0
        self.records[number].exclusiveTo = BlockCell.nobody
        self.listFree(number)
    }

    func cell(_ block: Int, of number: Int) -> BlockCell { self.cells[number * self.stride + block] }

    /// The first free block at or after the record's mark, which moves to it.
    mutating func nextFree(of number: Int) -> Int? {
        guard self.records[number].freeCount > 0 else { return nil }
        var block = Int(self.records[number].firstFree)
        while self.cells[number * self.stride + block].kind != .free { block += 1 }
        self.records[number].firstFree = Int32(truncatingIfNeeded: block)
        return block
    }

    /// The block must be free, or requested from others and less than three.
    mutating func request(_ block: Int, of number: Int, from slot: UInt16) {
        let index = number * self.stride + block
        if self.cells[index].kind == .free {
            self.records[number].freeCount -= 1
            self.requestedBlockCount += 1
            if self.records[number].freeCount == 0 { self.unlistFree(number) }
        }
        self.cells[index].addOwner(slot)
    }

    /// The slot must be one that was asked.
    mutating func giveBack(_ block: Int, of number: Int, from slot: UInt16) {
        guard self.cells[number * self.stride + block].removeOwner(slot) else { return }
        self.records[number].freeCount += 1
        self.requestedBlockCount -= 1
        self.records[number].firstFree = min(self.records[number].firstFree, Int32(truncatingIfNeeded: block))
        self.listFree(number)
    }

    /// The block must not be received yet. Answers whether the piece is complete.
    mutating func receive(_ block: Int, of number: Int, from key: PeerKey) -> Bool {
        let index = number * self.stride + block
        if self.cells[index].kind == .free {
            self.records[number].freeCount -= 1
            if self.records[number].freeCount == 0 { self.unlistFree(number) }
        } else {
            self.requestedBlockCount -= 1
        }
        self.cells[index] = .received(from: key)
        self.records[number].receivedCount += 1
        guard self.records[number].receivedCount == self.records[number].blockCount else { return false }
        self.incompleteCount -= 1
        return true
    }

    mutating func setExclusive(_ slot: UInt16, _ number: Int) {
        self.records[number].exclusiveTo = slot
        if slot != BlockCell.nobody { self.records[number].needsOnePeer = false }
    }

    mutating func askForOnePeer(_ number: Int) { self.records[number].needsOnePeer = true }

    private mutating func freeCells(_ number: Int) {
        for index in number * self.stride..<(number + 1) * self.stride { self.cells[index] = .free }
    }

    private mutating func listFree(_ number: Int) {
        guard self.records[number].listIndex < 0 else { return }
        self.records[number].listIndex = Int32(truncatingIfNeeded: self.withFree.count)
        self.withFree.append(Int32(truncatingIfNeeded: number))
    }

    private mutating func unlistFree(_ number: Int) {
        let index = Int(self.records[number].listIndex)
        guard index >= 0, let last = self.withFree.popLast() else { return }
        if index < self.withFree.count {
            self.withFree[index] = last
            self.records[Int(last)].listIndex = Int32(truncatingIfNeeded: index)
        }
        self.records[number].listIndex = -1
    }
}
