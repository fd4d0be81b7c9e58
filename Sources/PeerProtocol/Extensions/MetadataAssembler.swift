public import SwarmTypes

/// Fetches an info dictionary from several peers (BEP 9): decides what to ask of whom, and keeps what came.
///
/// Nothing is allocated by an announced size; memory grows with what arrives, up to 32 MiB. Peers may announce different
/// sizes, of which one at a time is tried. Who changes its size, sends what was not asked for, or gave all of a
/// dictionary that fails its hash, is refused; when several gave parts, the next attempt takes all of it from one. So
/// each failed pair of attempts rids us of a liar.
///
/// `Peer` names a connection.
public struct MetadataAssembler<Peer: Hashable & Sendable>: Sendable {
    public enum Outcome: Hashable, Sendable {
        /// Taken, or of no use any more.
        case accepted
        /// All is there: hash it, and call `hashFailed` if that is not the one.
        case complete([UInt8])
        /// The peer is forgotten: close it.
        case refused(CloseReason)
    }

    var sources: [MetadataSource<Peer>] = []
    /// The size that is tried; nil while there is nobody to ask.
    public private(set) var size: Int?
    /// The pieces before the first that is missing, and who gave them: each byte is kept once.
    private var assembled: [UInt8] = []
    private var givers: [Peer] = []
    private var firstMissing = 0
    /// Pieces behind it.
    private var ahead: [Int: (bytes: ArraySlice<UInt8>, from: Peer)] = [:]
    /// The only one to be asked, because parts of several did not fit together.
    private var solePeer: Peer?

    public init() {}

    /// How much of the dictionary is here, of how much; nil while no size is known.
    public var progress: (have: Int, of: Int)? {
        self.size.map { (self.ahead.values.reduce(self.assembled.count) { $0 + $1.bytes.count }, $0) }
    }

    /// A peer's extension handshake told a size.
    public mutating func announced(size: Int, by peer: Peer, at now: Instant) -> Outcome {
        if let known = self.sources.first(where: { $0.peer == peer }) {
            return known.size == size ? .accepted : self.refuse(peer, at: now)
        }
        guard size > 0, size <= MetadataPieces.maximumSize else { return .refused(.badMetadata) }
        self.sources.append(MetadataSource(peer: peer, size: size))
        if self.size == nil { self.size = size }
        return .accepted
    }

    public mutating func disconnected(_ peer: Peer, at now: Instant) {
        self.sources.removeAll { $0.peer == peer }
        self.review(at: now)
    }

    /// The pieces to ask of a peer now. To be called when the peer told its size or gave a piece, and for every peer
    /// when one refused, was refused or left, a hash failed, or the deadline passed.
    public mutating func requests(for peer: Peer, at now: Instant) -> [Int] {
        for index in self.sources.indices { self.sources[index].expireRequests(at: now) }
        self.review(at: now)
        guard let index = self.sources.firstIndex(where: { $0.peer == peer }), let size = self.size,
            self.sources[index].size == size, self.solePeer ?? peer == peer,
            self.sources[index].isActive(at: now)
        else { return [] }
        var askers: [Int: Int] = [:]
        for request in self.sources.lazy.flatMap(\.requests) { askers[request.piece, default: 0] += 1 }
        let own = self.sources[index].requests.map(\.piece)
        let room = MetadataSource<Peer>.maximumRequests - own.count
        var chosen: [Int] = []
        // Pieces that nobody was asked for; then, once more, those that one other was.
        for count in 0...1 {
            var piece = self.firstMissing
            while chosen.count < room, piece < MetadataPieces.count(size: size) {
                let isWanted = self.ahead[piece] == nil && askers[piece, default: 0] == count
                if isWanted, !own.contains(piece) { chosen.append(piece) }
                piece += 1
            }
        }
        self.sources[index].ask(chosen, at: now)
        return chosen
    }

    /// When a request is late, or a peer may be asked again.
    public func nextDeadline(after now: Instant) -> Instant? {
        self.sources.lazy.flatMap(\.deadlines).filter { $0 > now }.min()
    }

    /// A `data` message.
    public mutating func received(
        piece: Int, totalSize: Int?, bytes: ArraySlice<UInt8>, from peer: Peer, at now: Instant
    ) -> Outcome {
        guard let index = self.sources.firstIndex(where: { $0.peer == peer }) else {
            return .refused(.badMetadata)
        }
        let size = self.sources[index].size
        guard self.sources[index].answered(piece), totalSize ?? size == size,
            MetadataPieces.range(of: piece, size: size)?.count == bytes.count
        else { return self.refuse(peer, at: now) }
        self.sources[index].succeeded()
        // It may be late: from the time of another size or attempt.
        guard size == self.size, piece >= self.firstMissing, self.ahead[piece] == nil,
            self.solePeer ?? peer == peer
        else { return .accepted }
        self.ahead[piece] = (bytes, peer)
        while let next = self.ahead.removeValue(forKey: self.firstMissing) {
            self.assembled += next.bytes
            if !self.givers.contains(next.from) { self.givers.append(next.from) }
            self.firstMissing += 1
        }
        guard self.firstMissing == MetadataPieces.count(size: size) else { return .accepted }
        return .complete(self.assembled)
    }

    /// The peer has no metadata, or does not want to give it now.
    public mutating func rejected(piece: Int, by peer: Peer, at now: Instant) {
        guard let index = self.sources.firstIndex(where: { $0.peer == peer }) else { return }
        guard self.sources[index].answered(piece) else { return }
        self.sources[index].pause(forSeconds: 60, at: now)
        self.review(at: now)
    }

    /// What `complete` gave has another hash: starts again.
    ///
    /// - Returns: Who gave parts of it. A single one is forgotten, and to be closed as `badMetadata`.
    public mutating func hashFailed(at now: Instant) -> [Peer] {
        let contributors = self.givers
        self.startAgain()
        self.solePeer = nil
        if contributors.count == 1 {
            self.sources.removeAll { $0.peer == contributors[0] }
        } else {
            self.solePeer = contributors.first { peer in self.sources.contains { $0.peer == peer } }
        }
        self.review(at: now)
        return contributors
    }

    private mutating func startAgain() {
        self.assembled = []
        self.givers = []
        self.firstMissing = 0
        self.ahead = [:]
        for index in self.sources.indices { self.sources[index].withdrawRequests() }
    }

    private mutating func refuse(_ peer: Peer, at now: Instant) -> Outcome {
        self.disconnected(peer, at: now)
        return .refused(.badMetadata)
    }

    /// Changes the size, once nobody is left to ask for the one that is tried, to that of most others; and the only
    /// peer to be asked, once it is not one to ask.
    private mutating func review(at now: Instant) {
        if self.sources.isEmpty {
            self.size = nil
            self.startAgain()
        }
        let active = self.sources.filter { $0.isActive(at: now) }
        if !active.contains(where: { $0.size == self.size }) {
            var votes: [Int: Int] = [:]
            for source in active { votes[source.size, default: 0] += 1 }
            // The smaller of two with as many.
            if let best = votes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key {
                self.size = best
                self.startAgain()
            }
        }
        if let sole = self.solePeer, !active.contains(where: { $0.peer == sole && $0.size == self.size }) {
            let other = active.first { $0.size == self.size }?.peer
            if other != nil { self.startAgain() }
            self.solePeer = other
        }
    }
}
