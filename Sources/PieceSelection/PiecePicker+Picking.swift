public import SwarmTypes

extension PiecePicker {
    /// Looks at so many pieces of the order before it samples the peer's own pieces instead.
    private static let probeLimit = 256
    private static let sampleLimit = 512
    /// A peer that fills a piece in this time has it for itself.
    private static let wholePieceSeconds: Int64 = 10
    /// Blocks of begun pieces above which slow peers join in instead of beginning others: 32 MiB.
    private static let openBlockLimit = 2048

    /// Appends up to `count` blocks to ask of the peer now, and counts them as requested of it. Answers how many.
    ///
    /// `rate` is what the peer delivers. While the peer chokes us only its allowed-fast pieces are picked (BEP 6).
    @discardableResult
    public mutating func pick(
        for slot: PeerSlot, upTo count: Int, rate: ByteRate, isChoked: Bool = false,
        using random: inout some RandomNumberGenerator, into blocks: inout [Block]
    ) -> Int {
        let number = Int(slot.rawValue)
        guard count > 0, self.isInteresting(slot) else { return 0 }
        self.peers[number].bytesPerSecond = rate.bytesPerSecond
        var left = count
        if isChoked {
            for piece in self.peers[number].allowedFast
            where left > 0 && self.canTake(Int(piece), for: number) {
                self.take(self.record(ofPiece: Int(piece)), for: slot, &left, &blocks)
            }
            return count - left
        }
        if self.order == .rarestFirst, let record = self.currentRecord(of: number) {
            self.take(record, for: slot, &left, &blocks)
        }
        while left > 0, let record = self.nextRecord(for: number, using: &random) {
            self.take(record, for: slot, &left, &blocks)
        }
        if left > 0 { self.duplicate(for: slot, &left, using: &random, &blocks) }
        return count - left
    }

    /// Whether nothing is left to ask for but what others were asked for already: every block that is wanted and
    /// that somebody has is requested or received.
    public mutating func isEndGame() -> Bool {
        self.refreshOrder()
        let unavailable = self.seedCount == 0 ? self.rarity.zeroCount : 0
        guard self.closed.setCount == unavailable else { return false }
        return !self.hasFreeBlock
    }

    /// The piece the peer is at, if it has a block left that the peer may take.
    private func currentRecord(of number: Int) -> Int? {
        let piece = Int(self.peers[number].current)
        guard piece >= 0, self.isOpen[piece], self.wantedMissing[piece] else { return nil }
        let record = Int(self.rarity.place[piece])
        guard self.open.records[record].freeCount > 0 else { return nil }
        let owner = self.open.records[record].exclusiveTo
        return owner == BlockCell.nobody || Int(owner) == number ? record : nil
    }

    private func canTake(_ piece: Int, for number: Int) -> Bool {
        guard self.wantedMissing[piece], self.has(number, piece) else { return false }
        return !self.isOpen[piece] || self.open.records[Int(self.rarity.place[piece])].freeCount > 0
    }

    private mutating func take(_ record: Int, for slot: PeerSlot, _ left: inout Int, _ blocks: inout [Block])
    {
        let piece = Int(self.open.records[record].piece)
        let number = Int(slot.rawValue)
        if self.open.records[record].exclusiveTo == BlockCell.nobody {
            let fills =
                self.peers[number].bytesPerSecond * Self.wholePieceSeconds >= self.geometry.pieceLength
            let isUntouched = self.open.records[record].freeCount == self.open.records[record].blockCount
            if fills && isUntouched || self.open.records[record].needsOnePeer {
                self.open.setExclusive(slot.rawValue, record)
            }
        }
        self.peers[number].current = Int32(truncatingIfNeeded: piece)
        while left > 0, let block = self.open.nextFree(of: record) {
            self.open.request(block, of: record, from: slot.rawValue)
            blocks.append(self.geometry.block(block, ofPiece: piece))
            self.peers[number].inFlight += 1
            left -= 1
        }
    }

    /// The record of the best piece with a free block for the peer, opened if need be; nil when there is none.
    private mutating func nextRecord(for number: Int, using random: inout some RandomNumberGenerator) -> Int?
    {
        if self.order == .sequential { return self.lowest(for: number) }
        for piece in self.peers[number].suggested
        where self.closed[Int(piece)] && self.has(number, Int(piece)) {
            return self.record(ofPiece: Int(piece))
        }
        let begun = self.begun(for: number)
        if let record = begun.orphan { return record }
        let isFast = self.peers[number].bytesPerSecond * Self.wholePieceSeconds >= self.geometry.pieceLength
        let openBlocks = self.open.incompleteCount * self.geometry.blockCount(ofPiece: 0)
        let hasManyOpen =
            2 * self.open.incompleteCount > 3 * self.peerCount || !isFast && openBlocks > Self.openBlockLimit
        if hasManyOpen, let record = begun.shared { return record }
        if let piece = self.newPiece(for: number, using: &random) { return self.record(ofPiece: piece) }
        return begun.shared ?? begun.any
    }

    /// Of the begun pieces with a free block that the peer has: one at which nobody works any more, one that is not
    /// kept for another, and any. Each time of the highest priority, and then with the fewest free blocks.
    private func begun(for number: Int) -> (orphan: Int?, shared: Int?, any: Int?) {
        var orphan: Int?
        var shared: Int?
        var any: Int?
        for listed in self.open.withFree {
            let record = Int(listed)
            let piece = Int(self.open.records[record].piece)
            guard self.wantedMissing[piece], self.has(number, piece) else { continue }
            if self.isBetter(record, than: any) { any = record }
            let owner = self.open.records[record].exclusiveTo
            guard owner == BlockCell.nobody || Int(owner) == number else { continue }
            if self.isBetter(record, than: shared) { shared = record }
            if self.open.records[record].requestedCount == 0, self.isBetter(record, than: orphan) {
                orphan = record
            }
        }
        return (orphan, shared, any)
    }

    private func isBetter(_ record: Int, than other: Int?) -> Bool {
        guard let other else { return true }
        let priority = self.priorities[Int(self.open.records[record].piece)]
        let otherPriority = self.priorities[Int(self.open.records[other].piece)]
        if priority != otherPriority { return priority > otherPriority }
        return self.open.records[record].freeCount < self.open.records[other].freeCount
    }

    /// For sequential fetching: the first piece with a free block, whoever works at it.
    private mutating func lowest(for number: Int) -> Int? {
        var best =
            self.peers[number].hasAll
            ? self.closed.first() : self.closed.firstCommon(with: self.peers[number].have)
        for listed in self.open.withFree {
            let piece = Int(self.open.records[Int(listed)].piece)
            guard piece < best ?? .max, self.wantedMissing[piece], self.has(number, piece) else { continue }
            best = piece
        }
        return best.map { self.record(ofPiece: $0) }
    }

    /// A piece nobody was asked for: by lot among the rarest of the highest priority, or among all at first.
    private mutating func newPiece(for number: Int, using random: inout some RandomNumberGenerator) -> Int? {
        guard !self.closed.isEmpty else { return nil }
        self.refreshOrder()
        var probes = Self.probeLimit
        if self.verified.setCount + self.open.incompleteCount < Self.randomPieceCount {
            let range = self.rarity.highestPriorityMembers
            if let piece = self.probe(range, for: number, &probes, using: &random) { return piece }
        } else {
            for rank in 0..<self.rarity.classCount {
                let range = self.rarity.members(ofClass: rank)
                guard !range.isEmpty else { continue }
                // A class of pieces without a copy is worth a look only for one that has all.
                if rank % RarityOrder.width == 0, !self.peers[number].hasAll { continue }
                if let piece = self.probe(range, for: number, &probes, using: &random) { return piece }
                if probes == 0 { break }
            }
        }
        return self.sampled(for: number, using: &random)
    }

    /// Goes round the range from a place chosen by lot.
    private func probe(
        _ range: Range<Int>, for number: Int, _ probes: inout Int,
        using random: inout some RandomNumberGenerator
    ) -> Int? {
        guard !range.isEmpty else { return nil }
        var place = Int.random(in: range, using: &random)
        for _ in 0..<min(probes, range.count) {
            let piece = Int(self.rarity.order[place])
            if self.has(number, piece) { return piece }
            probes -= 1
            place = place + 1 == range.upperBound ? range.lowerBound : place + 1
        }
        return nil
    }

    /// The first in the order of a sample of what the peer has: bounds the search for a peer that has few pieces,
    /// or only common ones.
    private func sampled(for number: Int, using random: inout some RandomNumberGenerator) -> Int? {
        guard !self.peers[number].hasAll, self.peers[number].have.count > 0 else { return nil }
        let start = Int.random(in: 0..<self.geometry.pieceCount, using: &random)
        var best: Int?
        var bestClass = Int.max
        var left = Self.sampleLimit
        for (first, end) in [(start, self.geometry.pieceCount), (0, start)] {
            var next = self.closed.firstCommon(with: self.peers[number].have, from: first)
            while left > 0, let piece = next, piece < end {
                let found = self.rarity.classNumber(
                    priority: self.priorities[piece], availability: self.availability[piece])
                if found < bestClass { (best, bestClass) = (piece, found) }
                left -= 1
                next = self.closed.firstCommon(with: self.peers[number].have, from: piece + 1)
            }
        }
        return best
    }
}
