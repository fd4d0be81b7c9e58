public import SwarmTypes

/// What a block that came means.
public enum Receipt: Hashable, Sendable {
    /// It is new. The peers in `cancel` were asked for it too, and are to be told that it has come.
    case accepted(pieceIsComplete: Bool, cancel: Cancels)
    /// It was asked for, and another was faster.
    case duplicate
    /// The peer was never asked for it, or it is no block of ours.
    case unrequested
}

/// Up to three peers: two more than the one that was asked first, and that one when a late answer of a fourth won.
public struct Cancels: Hashable, Sendable {
    public private(set) var first: PeerSlot?
    public private(set) var second: PeerSlot?
    public private(set) var third: PeerSlot?

    public init() {}

    public mutating func append(_ slot: PeerSlot) {
        if self.first == nil {
            self.first = slot
        } else if self.second == nil {
            self.second = slot
        } else {
            self.third = slot
        }
    }
}

extension PiecePicker {
    /// A block has come from the peer, and its bytes are on their way to the disk if it is accepted.
    public mutating func received(_ block: Block, from slot: PeerSlot) -> Receipt {
        let number = Int(slot.rawValue)
        guard let blockNumber = self.geometry.number(of: block), self.isPresent(number) else {
            return .unrequested
        }
        let piece = Int(block.piece)
        guard self.isOpen[piece] else { return self.late(number) ? .duplicate : .unrequested }
        let record = Int(self.rarity.place[piece])
        let cell = self.open.cell(blockNumber, of: record)
        if cell.isRequested(from: slot.rawValue) {
            self.peers[number].inFlight -= 1
        } else {
            guard self.late(number) else { return .unrequested }
            guard cell.kind != .received else { return .duplicate }
        }
        var cancel = Cancels()
        for place in 0..<cell.ownerCount where cell.owner(place) != slot.rawValue {
            let other = PeerSlot(cell.owner(place))
            self.peers[Int(other.rawValue)].inFlight -= 1
            self.peers[Int(other.rawValue)].lateCount += 1
            cancel.append(other)
        }
        let isComplete = self.open.receive(blockNumber, of: record, from: self.peers[number].key)
        return .accepted(pieceIsComplete: isComplete, cancel: cancel)
    }

    /// The request will not be waited for any longer: rejected, cancelled or timed out. `mayStillCome` unless the
    /// peer has rejected it (BEP 6).
    public mutating func returned(_ block: Block, from slot: PeerSlot, mayStillCome: Bool) {
        let number = Int(slot.rawValue)
        guard let blockNumber = self.geometry.number(of: block), self.isPresent(number),
            self.isOpen[Int(block.piece)]
        else { return }
        let record = Int(self.rarity.place[Int(block.piece)])
        guard self.open.cell(blockNumber, of: record).isRequested(from: slot.rawValue) else { return }
        self.giveBack(blockNumber, of: record, from: number, mayStillCome: mayStillCome)
    }

    /// All its requests: it chokes us and has no fast extension, or it is snubbing us. Answers how many.
    @discardableResult
    public mutating func returnAll(from slot: PeerSlot, mayStillCome: Bool) -> Int {
        let number = Int(slot.rawValue)
        guard self.isPresent(number) else { return 0 }
        let count = self.peers[number].inFlight
        for record in self.open.records.indices where self.open.records[record].piece != .max {
            if self.open.records[record].exclusiveTo == slot.rawValue {
                self.open.setExclusive(BlockCell.nobody, record)
            }
            guard self.peers[number].inFlight > 0, self.open.records[record].requestedCount > 0 else {
                continue
            }
            for block in 0..<Int(self.open.records[record].blockCount)
            where self.open.cell(block, of: record).isRequested(from: slot.rawValue) {
                self.giveBack(block, of: record, from: number, mayStillCome: mayStillCome)
            }
        }
        self.peers[number].current = -1
        return count
    }

    /// Appends what the peer was asked for and has not answered.
    public func requests(of slot: PeerSlot, into blocks: inout [Block]) {
        for record in self.open.records.indices where self.open.records[record].requestedCount > 0 {
            for block in 0..<Int(self.open.records[record].blockCount)
            where self.open.cell(block, of: record).isRequested(from: slot.rawValue) {
                blocks.append(self.geometry.block(block, ofPiece: Int(self.open.records[record].piece)))
            }
        }
    }

    /// The piece's hash is right and its bytes are on disk.
    public mutating func pieceVerified(_ piece: Int) {
        guard self.verified.set(piece) else { return }
        if self.isOpen[piece] {
            self.dropOwners(ofRecord: Int(self.rarity.place[piece]))
            self.open.close(Int(self.rarity.place[piece]))
            self.isOpen.clear(piece)
        } else if self.closed.clear(piece) {
            self.orderIsStale = true
        }
        guard self.wantedMissing.clear(piece) else { return }
        for number in self.peers.indices
        where self.peers[number].isPresent && !self.peers[number].hasAll && self.has(number, piece) {
            self.peers[number].interestingCount -= 1
        }
    }

    /// The piece's hash is wrong, or its bytes could not be written: all is fetched again, next time by one peer
    /// alone. Answers who sent its blocks, each once; blocks of an earlier run have no sender.
    public mutating func pieceFailed(_ piece: Int) -> [PeerKey] {
        guard self.isOpen[piece] else { return [] }
        let record = Int(self.rarity.place[piece])
        var senders: [PeerKey] = []
        for block in 0..<Int(self.open.records[record].blockCount) {
            let cell = self.open.cell(block, of: record)
            guard cell.kind == .received, cell.sender != PeerKey(.max), !senders.contains(cell.sender) else {
                continue
            }
            senders.append(cell.sender)
        }
        self.dropOwners(ofRecord: record)
        self.open.reset(record)
        self.open.askForOnePeer(record)
        return senders
    }

    /// Who sent the block; nil when it has not come, or came in an earlier run.
    public func sender(of block: Block) -> PeerKey? {
        guard let number = self.geometry.number(of: block), self.isOpen[Int(block.piece)] else { return nil }
        let cell = self.open.cell(number, of: Int(self.rarity.place[Int(block.piece)]))
        return cell.kind == .received && cell.sender != PeerKey(.max) ? cell.sender : nil
    }

    private mutating func late(_ number: Int) -> Bool {
        guard self.peers[number].lateCount > 0 else { return false }
        self.peers[number].lateCount -= 1
        return true
    }

    private mutating func giveBack(_ block: Int, of record: Int, from number: Int, mayStillCome: Bool) {
        self.open.giveBack(block, of: record, from: UInt16(truncatingIfNeeded: number))
        if Int(self.open.records[record].exclusiveTo) == number {
            self.open.setExclusive(BlockCell.nobody, record)
        }
        self.peers[number].inFlight -= 1
        if mayStillCome { self.peers[number].lateCount += 1 }
    }

    private mutating func dropOwners(ofRecord record: Int) {
        guard self.open.records[record].requestedCount > 0 else { return }
        for block in 0..<Int(self.open.records[record].blockCount) {
            let cell = self.open.cell(block, of: record)
            for place in 0..<cell.ownerCount {
                self.peers[Int(cell.owner(place))].inFlight -= 1
                self.peers[Int(cell.owner(place))].lateCount += 1
            }
        }
    }
}
