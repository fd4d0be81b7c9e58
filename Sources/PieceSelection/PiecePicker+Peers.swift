public import SwarmTypes

extension PiecePicker {
    /// A new peer, which has nothing so far. `key` is what `pieceFailed` names it by.
    public mutating func peerJoined(_ slot: PeerSlot, key: PeerKey) {
        let number = Int(slot.rawValue)
        while self.peers.count <= number { self.peers.append(Peer()) }
        precondition(!self.peers[number].isPresent, "the slot is taken")
        self.peers[number].isPresent = true
        self.peers[number].key = key
        self.peerCount += 1
    }

    /// BEP 3's `bitfield`, or the lack of it; must have the torrent's count. Replaces nothing: a peer sends it once.
    public mutating func peerHas(_ slot: PeerSlot, _ pieces: Bitfield) {
        precondition(pieces.count == self.geometry.pieceCount, "the bit field of another torrent")
        let number = Int(slot.rawValue)
        guard self.isPresent(number), !pieces.isEmpty else { return }
        guard !pieces.isComplete else { return self.peerHasAll(slot) }
        self.forget(piecesOf: number)
        self.peers[number].have = pieces
        self.peers[number].interestingCount = pieces.commonCount(with: self.wantedMissing)
        self.count(piecesOf: number, by: 1)
    }

    /// BEP 6's `have all`.
    public mutating func peerHasAll(_ slot: PeerSlot) {
        let number = Int(slot.rawValue)
        guard self.isPresent(number), !self.peers[number].hasAll else { return }
        self.forget(piecesOf: number)
        self.peers[number].hasAll = true
        self.seedCount += 1
    }

    /// BEP 3's `have`. The piece must be one of the torrent's.
    public mutating func peerHas(_ slot: PeerSlot, piece: Int) {
        let number = Int(slot.rawValue)
        guard self.isPresent(number), !self.peers[number].hasAll else { return }
        if self.peers[number].have.count == 0 {
            self.peers[number].have = Bitfield(count: self.geometry.pieceCount)
        }
        guard self.peers[number].have.set(piece) else { return }
        if self.wantedMissing[piece] { self.peers[number].interestingCount += 1 }
        self.count(piece, by: 1)
        if self.peers[number].have.isComplete { self.peerHasAll(slot) }
    }

    /// BEP 6: the piece may be asked for while the peer chokes us.
    public mutating func allowFast(_ slot: PeerSlot, piece: Int) {
        let number = Int(slot.rawValue)
        guard self.isPresent(number), self.peers[number].allowedFast.count < Self.maximumAllowedFast,
            !self.peers[number].allowedFast.contains(UInt32(piece))
        else { return }
        self.peers[number].allowedFast.append(UInt32(piece))
    }

    /// BEP 6: the peer would like to be asked for the piece, for instance because it has it in memory.
    public mutating func suggest(_ slot: PeerSlot, piece: Int) {
        let number = Int(slot.rawValue)
        guard self.isPresent(number), !self.peers[number].suggested.contains(UInt32(piece)) else { return }
        if self.peers[number].suggested.count == Self.maximumSuggested {
            self.peers[number].suggested.removeFirst()
        }
        self.peers[number].suggested.append(UInt32(piece))
    }

    /// Its requests are free again, and its slot may be used anew.
    public mutating func peerLeft(_ slot: PeerSlot) {
        let number = Int(slot.rawValue)
        guard self.isPresent(number) else { return }
        self.returnAll(from: slot, mayStillCome: false)
        self.forget(piecesOf: number)
        self.peers[number] = Peer()
        self.peerCount -= 1
    }

    /// Whether the peer has a piece that we want and lack (BEP 3's `interested`).
    public func isInteresting(_ slot: PeerSlot) -> Bool {
        let number = Int(slot.rawValue)
        guard self.isPresent(number) else { return false }
        return self.peers[number].hasAll
            ? !self.wantedMissing.isEmpty : self.peers[number].interestingCount > 0
    }

    public func isSeed(_ slot: PeerSlot) -> Bool {
        self.isPresent(Int(slot.rawValue)) && self.peers[Int(slot.rawValue)].hasAll
    }

    public func has(_ slot: PeerSlot, piece: Int) -> Bool {
        self.isPresent(Int(slot.rawValue)) && self.has(Int(slot.rawValue), piece)
    }

    /// How many pieces the peer has.
    public func pieceCount(of slot: PeerSlot) -> Int {
        let number = Int(slot.rawValue)
        guard self.isPresent(number) else { return 0 }
        return self.peers[number].hasAll ? self.geometry.pieceCount : self.peers[number].have.setCount
    }

    /// Requests that the peer has not answered.
    public func inFlight(of slot: PeerSlot) -> Int {
        self.isPresent(Int(slot.rawValue)) ? self.peers[Int(slot.rawValue)].inFlight : 0
    }

    func isPresent(_ number: Int) -> Bool { number < self.peers.count && self.peers[number].isPresent }

    private mutating func forget(piecesOf number: Int) {
        if self.peers[number].hasAll {
            self.seedCount -= 1
            self.peers[number].hasAll = false
        } else if !self.peers[number].have.isEmpty {
            self.count(piecesOf: number, by: -1)
        }
        self.peers[number].have = Bitfield(count: 0)
        self.peers[number].interestingCount = 0
    }

    /// For many pieces sorting anew later is cheaper than moving each.
    private mutating func count(piecesOf number: Int, by step: Int) {
        if self.peers[number].have.setCount > self.geometry.pieceCount / 16 { self.orderIsStale = true }
        var piece = self.peers[number].have.first()
        while let found = piece {
            self.count(found, by: step)
            piece = self.peers[number].have.first(from: found + 1)
        }
    }

    private mutating func count(_ piece: Int, by step: Int) {
        let old = self.availability[piece]
        let new = UInt16(clamping: Int(old) + step)
        self.availability[piece] = new
        guard !self.orderIsStale, self.closed[piece] else { return }
        let priority = self.priorities[piece]
        let from = self.rarity.classNumber(priority: priority, availability: old)
        let to = self.rarity.classNumber(priority: priority, availability: new)
        if to > from { self.rarity.rise(piece, fromClass: from) }
        if to < from { self.rarity.fall(piece, fromClass: from) }
    }
}
