import SwarmTypes

/// What an assembler knows of one peer that has told the size of the metadata.
struct MetadataSource<Peer: Hashable & Sendable>: Sendable {
    /// One at a time: rTorrent keeps a single answer, and gives none any more when it is asked for another meanwhile.
    static var maximumRequests: Int { 1 }
    private static var requestSeconds: Double { 5 }
    private static var maximumPauseSeconds: Double { 320 }

    let peer: Peer
    let size: Int
    /// Asked of it and not late.
    private(set) var requests: [(piece: Int, deadline: Instant)] = []
    /// Asked of it, late, and still welcome.
    private var latePieces: Set<Int> = []
    /// Not to be asked before.
    private var pausedUntil: Instant?
    /// For how long at least, the next time that it fails.
    private var nextPause = Self.requestSeconds

    init(peer: Peer, size: Int) {
        self.peer = peer
        self.size = size
    }

    func isActive(at now: Instant) -> Bool { self.pausedUntil.map { now >= $0 } ?? true }

    var deadlines: [Instant] { self.requests.map(\.deadline) + (self.pausedUntil.map { [$0] } ?? []) }

    mutating func ask(_ pieces: [Int], at now: Instant) {
        for piece in pieces {
            self.latePieces.remove(piece)
            self.requests.append((piece, now.advanced(bySeconds: Self.requestSeconds)))
        }
    }

    mutating func expireRequests(at now: Instant) {
        let late = self.requests.filter { $0.deadline <= now }
        guard !late.isEmpty else { return }
        self.requests.removeAll { $0.deadline <= now }
        self.latePieces.formUnion(late.map(\.piece))
        self.pause(forSeconds: 0, at: now)
    }

    /// Of an attempt that has ended. Answers are still welcome.
    mutating func withdrawRequests() {
        self.latePieces.formUnion(self.requests.map(\.piece))
        self.requests = []
    }

    /// Whoever failed is left alone, twice as long each time, so that a few that never answer cannot be asked in turns.
    mutating func pause(forSeconds minimum: Double, at now: Instant) {
        self.pausedUntil = now.advanced(bySeconds: max(minimum, self.nextPause))
        self.nextPause = min(2 * self.nextPause, Self.maximumPauseSeconds)
    }

    /// It gave a piece that it was asked for: it may fail again.
    mutating func succeeded() {
        self.pausedUntil = nil
        self.nextPause = Self.requestSeconds
    }

    /// Answers whether it was asked for that piece at all.
    mutating func answered(_ piece: Int) -> Bool {
        if let index = self.requests.firstIndex(where: { $0.piece == piece }) {
            self.requests.remove(at: index)
            return true
        }
        return self.latePieces.remove(piece) != nil
    }
}
