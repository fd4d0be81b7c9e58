public import SwarmTypes

/// What the choker needs to know of a connected peer.
public struct ChokeCandidate: Hashable, Sendable {
    public enum Role: Hashable, Sendable { case choked, unchoked, optimistic }

    public var slot: PeerSlot
    public var role: Role
    /// When the role began, in which it has been ever since.
    public var since: Instant
    public var connectedAt: Instant
    /// It wants something of us.
    public var isInterested: Bool
    /// It needs nothing: a seed, or BEP 21's `upload_only`.
    public var isUploadOnly: Bool
    /// It leaves our requests unanswered.
    public var isSnubbing: Bool
    /// What it sends us.
    public var downloadRate: ByteRate
    /// What we send it.
    public var uploadRate: ByteRate

    public init(
        slot: PeerSlot, role: Role, since: Instant, connectedAt: Instant, isInterested: Bool,
        isUploadOnly: Bool = false, isSnubbing: Bool = false, downloadRate: ByteRate = .zero,
        uploadRate: ByteRate = .zero
    ) {
        self.slot = slot
        self.role = role
        self.since = since
        self.connectedAt = connectedAt
        self.isInterested = isInterested
        self.isUploadOnly = isUploadOnly
        self.isSnubbing = isSnubbing
        self.downloadRate = downloadRate
        self.uploadRate = uploadRate
    }

    var wantsSlot: Bool { self.isInterested && !self.isUploadOnly }
}

/// Who changes role. Peers that are not named keep theirs.
public struct ChokeDecision: Hashable, Sendable {
    public var choke: [PeerSlot] = []
    /// May name an optimistic one, which has earned its slot: nothing is sent to it.
    public var unchoke: [PeerSlot] = []
    /// Unchoked by lot, for a time.
    public var optimistic: [PeerSlot] = []

    public init() {}
}

/// Decides who is unchoked: every 10 s, and when a slot has become free.
///
/// While we download, slots go to those who send us most (on private torrents also to those who take most, which
/// counts there); while we seed, to those who take most, each for a minute or two in turn. A fifth of the slots,
/// one at least, goes by lot, with three times the chance for peers of the last minute. No peer changes twice
/// within 10 s, but for one that needs its slot no longer.
public struct Choker: Hashable, Sendable {
    public enum Goal: Hashable, Sendable {
        case download
        /// On a private torrent, while we download.
        case downloadAndRatio
        case seed
    }

    public static let roundSeconds = 10.0
    public static let optimisticSeconds = 30.0
    public static let leastRoleSeconds = 10.0
    /// While we seed, a slot is safe for so long …
    public static let quotaSeconds = 60.0
    /// … and for so long if its peer is one of the faster ones.
    public static let longQuotaSeconds = 120.0
    public static let newPeerSeconds = 60.0
    public static let newPeerWeight = 3

    public var goal: Goal
    /// Optimistic ones included.
    public var slots: Int

    public init(goal: Goal, slots: Int) {
        self.goal = goal
        self.slots = max(0, slots)
    }

    /// Of `slots`; a fifth, at least one, but not the only one while we download.
    public var optimisticSlots: Int { self.slots < 2 ? 0 : max(1, self.slots / 5) }

    public func decide(
        _ peers: [ChokeCandidate], at now: Instant, using random: inout some RandomNumberGenerator
    ) -> ChokeDecision {
        let wanting = peers.filter(\.wantsSlot)
        // Those that may not change stay, and take their places first.
        let staying = wanting.filter { $0.role != .choked && !self.mayChange($0, at: now) }
        let optimistic = wanting.filter {
            $0.role == .optimistic && self.mayChange($0, at: now)
                && now.seconds(since: $0.since) < Self.optimisticSeconds
        }
        var chosen: [PeerSlot: ChokeCandidate.Role] = [:]
        for peer in staying { chosen[peer.slot] = peer.role }
        var lots = self.optimisticSlots - staying.count { $0.role == .optimistic }
        for peer in optimistic.prefix(max(0, lots)) {
            chosen[peer.slot] = .optimistic
            lots -= 1
        }
        let regular = min(
            self.slots - self.optimisticSlots - staying.count { $0.role == .unchoked },
            self.slots - chosen.count)
        let ranked = self.ranked(
            wanting.filter { chosen[$0.slot] == nil && ($0.role != .choked || self.mayChange($0, at: now)) },
            at: now)
        for peer in ranked.prefix(max(0, regular)) { chosen[peer.slot] = .unchoked }
        var waiting = Array(ranked.dropFirst(max(0, regular)))
        for _ in 0..<min(max(0, lots), max(0, self.slots - chosen.count)) {
            guard let lucky = self.draw(from: &waiting, at: now, using: &random) else { break }
            chosen[lucky.slot] = .optimistic
        }
        // What the lot did not give away: no slot is left empty while somebody wants it.
        for peer in waiting.prefix(max(0, self.slots - chosen.count)) { chosen[peer.slot] = .unchoked }
        return self.changes(peers, to: chosen)
    }

    private func changes(_ peers: [ChokeCandidate], to chosen: [PeerSlot: ChokeCandidate.Role])
        -> ChokeDecision
    {
        var decision = ChokeDecision()
        for peer in peers.sorted(by: { $0.slot < $1.slot }) {
            switch (peer.role, chosen[peer.slot]) {
            case (.choked, nil), (.choked, .choked), (.unchoked, .unchoked): break
            case (_, nil), (_, .choked): decision.choke.append(peer.slot)
            case (.choked, .unchoked), (.optimistic, .unchoked): decision.unchoke.append(peer.slot)
            case (.optimistic, .optimistic): break
            case (_, .optimistic): decision.optimistic.append(peer.slot)
            }
        }
        return decision
    }

    private func mayChange(_ peer: ChokeCandidate, at now: Instant) -> Bool {
        now.seconds(since: peer.since) >= Self.leastRoleSeconds
    }

    /// Best first. Among equals who has the slot keeps it, and then who has waited longest comes.
    private func ranked(_ peers: [ChokeCandidate], at now: Instant) -> [ChokeCandidate] {
        let holders = peers.filter { $0.role != .choked }.map(\.uploadRate).sorted()
        let median = holders.isEmpty ? .zero : holders[holders.count / 2]
        func rank(_ peer: ChokeCandidate) -> (Int, Int64, Int, Int64, PeerSlot) {
            let holds = peer.role != .choked
            let (order, rate) = self.standing(peer, median: median, at: now)
            return (order, -rate, holds ? 0 : 1, peer.since.nanoseconds, peer.slot)
        }
        return peers.sorted { rank($0) < rank($1) }
    }

    /// Its class, lower first, and what counts within it.
    private func standing(_ peer: ChokeCandidate, median: ByteRate, at now: Instant) -> (Int, Int64) {
        let download = peer.downloadRate.bytesPerSecond
        let upload = peer.uploadRate.bytesPerSecond
        switch self.goal {
        case .download: return (peer.isSnubbing ? 1 : 0, download)
        case .downloadAndRatio: return (peer.isSnubbing ? 1 : 0, download + upload)
        case .seed:
            guard peer.role != .choked else { return (2, 0) }
            let held = now.seconds(since: peer.since)
            if held < Self.quotaSeconds { return (0, upload) }
            if held < Self.longQuotaSeconds { return (peer.uploadRate >= median ? 1 : 3, upload) }
            return (4, upload)
        }
    }

    /// One of the choked by lot.
    private func draw(
        from waiting: inout [ChokeCandidate], at now: Instant, using random: inout some RandomNumberGenerator
    ) -> ChokeCandidate? {
        let weights = waiting.map { peer in
            guard peer.role == .choked else { return 0 }
            return now.seconds(since: peer.connectedAt) < Self.newPeerSeconds ? Self.newPeerWeight : 1
        }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return nil }
        var ticket = Int.random(in: 0..<sum, using: &random)
        for (index, weight) in weights.enumerated() {
            guard ticket >= weight else { return waiting.remove(at: index) }
            ticket -= weight
        }
        return nil
    }
}
