public import SwarmTypes

/// What a peer has asked of us and not got yet, in its order.
struct RequestQueue: Sendable {
    private var blocks: [Block] = []
    /// The ones before it are taken.
    private var head = 0

    var count: Int { self.blocks.count - self.head }
    var isEmpty: Bool { self.head == self.blocks.count }
    var first: Block? { self.isEmpty ? nil : self.blocks[self.head] }

    mutating func append(_ block: Block) { self.blocks.append(block) }

    func contains(_ block: Block) -> Bool { self.blocks[self.head...].contains(block) }

    /// Takes a block out; false when it is not there.
    mutating func remove(_ block: Block) -> Bool {
        guard let index = self.blocks[self.head...].firstIndex(of: block) else { return false }
        self.blocks.remove(at: index)
        self.dropTaken()
        return true
    }

    /// Takes out all blocks of a piece.
    mutating func removeAll(ofPiece piece: UInt32) -> [Block] {
        let all = self.removeAll()
        self.blocks = all.filter { $0.piece != piece }
        return all.filter { $0.piece == piece }
    }

    mutating func removeAll() -> [Block] {
        defer {
            self.blocks = []
            self.head = 0
        }
        return Array(self.blocks[self.head...])
    }

    /// Takes the first blocks that follow each other in one piece, at least one and of at most `maximumLength` bytes.
    mutating func takeRun(maximumLength: UInt32) -> UploadRun? {
        guard let first = self.first else { return nil }
        var end = self.head + 1
        var length = first.length
        while end < self.blocks.count {
            let next = self.blocks[end]
            guard next.piece == first.piece, next.offset == first.offset + length,
                length + next.length <= maximumLength
            else { break }
            length += next.length
            end += 1
        }
        let run = UploadRun(blocks: Array(self.blocks[self.head..<end]), length: length)
        self.head = end
        self.dropTaken()
        return run
    }

    private mutating func dropTaken() {
        if self.head == self.blocks.count {
            self.blocks.removeAll(keepingCapacity: self.blocks.capacity <= 256)
            self.head = 0
        } else if self.head > 256 {
            self.blocks.removeFirst(self.head)
            self.head = 0
        }
    }
}

/// Blocks that follow each other in one piece, to be read at once and sent together.
public struct UploadRun: Hashable, Sendable {
    /// At least one.
    public let blocks: [Block]
    /// Of all of them, in bytes.
    public let length: UInt32

    public init(blocks: [Block], length: UInt32) {
        self.blocks = blocks
        self.length = length
    }

    /// The whole range as one block.
    public var range: Block {
        Block(piece: self.blocks[0].piece, offset: self.blocks[0].offset, length: self.length)
    }
}
