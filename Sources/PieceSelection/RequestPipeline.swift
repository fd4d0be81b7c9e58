public import SwarmTypes

/// How many blocks to have requested of one peer at a time, and when it has taken too long.
///
/// The depth follows the measured rate: twice the shortest round trip's worth or one second's, whichever is more,
/// which keeps a queue of a second or two at the peer. A second's worth is 512 blocks at most: a longer queue makes
/// nobody faster, and costs libtorrent, for one, a fifth more for each block. The depth begins at 8 and, while the
/// rate still grows, is never less than 1.25 times the last one. Requests are known by their count and time, not one
/// by one: a peer mostly answers in order, and an error of a few milliseconds does no harm here.
public struct RequestPipeline: Sendable {
    private struct Batch: Sendable {
        var sentAt: Instant
        var count: Int
    }

    public static let maximumDepth = 2048
    /// What a peer is taken to allow until it says (BEP 10's `reqq`).
    public static let assumedPeerLimit = 250
    /// Of what is asked for beyond the round trip's worth.
    static let longestQueue = 512
    /// From this depth on, requests go in batches of half of it, if what is left lasts for two round trips.
    static let deep = 64
    static let initialDepth = 8
    static let minimumDepth = 4
    static let growth = 1.25
    /// Of the rate, in one round trip; with less than that the depth stops to grow by itself.
    static let growthThreshold = 1.05
    static let maximumQueueSeconds = 3.0
    static let shortestTimeout = 4.0
    static let longestTimeout = 60.0
    /// Before the first answer.
    static let firstTimeout = 20.0
    /// A round is at least this long, so that its rate means something.
    static let shortestRound: Int64 = 20_000_000
    /// How fast the highest rate is forgotten.
    static let peakSeconds = 10.0

    /// Oldest first; the spent ones before `firstBatch` are dropped now and then.
    private var batches: [Batch] = []
    private var firstBatch = 0
    public private(set) var outstanding = 0
    private var target = Self.initialDepth
    /// Two round trips' worth, in blocks.
    private var needed = 0
    private var peerLimit: Int
    private var isGrowing = true
    /// Whether the peer let the oldest request time out: it gets one at a time until a block comes.
    public private(set) var isSnubbed = false

    private var lastBlockAt: Instant?
    private var roundStartedAt: Instant?
    private var roundBytes: Int64 = 0
    private var bytesPerSecond = 0.0
    private var peakBytesPerSecond = 0.0
    /// Of the time from a request to its block, which includes the queue at the peer.
    private var shortestResponse = Double.infinity
    private var meanResponse = 0.0
    private var responseDeviation = 0.0

    /// `peerLimit` is BEP 10's `reqq`, when the peer has sent it.
    public init(peerLimit: Int = Self.assumedPeerLimit) { self.peerLimit = max(1, peerLimit) }

    public mutating func setPeerLimit(_ limit: Int) { self.peerLimit = max(1, limit) }

    /// In blocks.
    public var depth: Int {
        self.isSnubbed ? 1 : max(1, min(self.target, self.peerLimit, Self.maximumDepth))
    }

    /// How many blocks to ask for now. Zero until an eighth of the depth is open, or of a deep one up to the half, so
    /// that requests go in batches.
    public var room: Int {
        let depth = self.depth
        let room = depth - self.outstanding
        var batch = depth / 8
        if depth >= Self.deep, !self.isGrowing { batch = max(batch, min(depth / 2, depth - self.needed)) }
        return room >= max(1, batch) ? room : 0
    }

    /// What the peer delivers, of its last rounds.
    public var rate: ByteRate { ByteRate(bytesPerSecond: Int64(self.bytesPerSecond)) }

    /// The shortest response seen; nil before the first.
    public var roundTripSeconds: Double? {
        self.shortestResponse.isFinite ? self.shortestResponse : nil
    }

    /// Mean and four deviations of the response, between 4 s and 60 s.
    public var timeoutSeconds: Double {
        guard self.shortestResponse.isFinite else { return Self.firstTimeout }
        return min(
            Self.longestTimeout, max(Self.shortestTimeout, self.meanResponse + 4 * self.responseDeviation))
    }

    /// When `timerFired` is due; nil while nothing is outstanding. Moves on with every block, so a timer may be
    /// armed once and asked again when it fires.
    public var nextDeadline: Instant? {
        guard self.outstanding > 0, self.firstBatch < self.batches.count else { return nil }
        let oldest = self.batches[self.firstBatch].sentAt
        return (self.lastBlockAt.map { max($0, oldest) } ?? oldest).advanced(bySeconds: self.timeoutSeconds)
    }

    /// `count` requests have gone out.
    public mutating func requested(_ count: Int, at now: Instant) {
        guard count > 0 else { return }
        if self.outstanding == 0 {
            // The time without requests says nothing about the peer.
            self.roundStartedAt = now
            self.roundBytes = 0
        }
        self.outstanding += count
        self.batches.append(Batch(sentAt: now, count: count))
    }

    /// A block has come that was asked for.
    public mutating func received(_ bytes: Int, at now: Instant) {
        if let sentAt = self.takeOldest() { self.measure(max(0, now.seconds(since: sentAt))) }
        self.isSnubbed = false
        self.lastBlockAt = now
        self.roundBytes += Int64(max(0, bytes))
        self.endRound(at: now)
    }

    /// Requests that nothing will come of: rejected, cancelled, or dropped by a choke.
    public mutating func withdrawn(_ count: Int) {
        for _ in 0..<min(max(0, count), self.outstanding) { _ = self.takeOldest() }
    }

    /// Answers whether the peer has just become one that snubs us: its blocks should be free for others, and it may
    /// still send them. Forgets what was outstanding.
    public mutating func timerFired(at now: Instant) -> Bool {
        guard let deadline = self.nextDeadline, deadline <= now else { return false }
        self.isSnubbed = true
        self.isGrowing = false
        self.target = Self.minimumDepth
        self.bytesPerSecond = 0
        self.peakBytesPerSecond = 0
        self.withdrawn(self.outstanding)
        return true
    }

    private mutating func takeOldest() -> Instant? {
        guard self.firstBatch < self.batches.count else { return nil }
        let sentAt = self.batches[self.firstBatch].sentAt
        self.outstanding -= 1
        self.batches[self.firstBatch].count -= 1
        guard self.batches[self.firstBatch].count == 0 else { return sentAt }
        self.firstBatch += 1
        if self.firstBatch == self.batches.count {
            self.batches.removeAll(keepingCapacity: true)
            self.firstBatch = 0
        } else if self.firstBatch >= 64 {
            self.batches.removeFirst(self.firstBatch)
            self.firstBatch = 0
        }
        return sentAt
    }

    /// The smoothing of RFC 6298.
    private mutating func measure(_ seconds: Double) {
        if self.shortestResponse.isFinite {
            self.responseDeviation += (abs(seconds - self.meanResponse) - self.responseDeviation) / 4
            self.meanResponse += (seconds - self.meanResponse) / 8
        } else {
            self.meanResponse = seconds
            self.responseDeviation = seconds / 2
        }
        self.shortestResponse = min(self.shortestResponse, seconds)
    }

    /// Once a round trip the rate is taken, and the depth follows it.
    private mutating func endRound(at now: Instant) {
        guard let start = self.roundStartedAt else { return }
        let elapsed = now.nanoseconds &- start.nanoseconds
        let roundTrip = self.shortestResponse.isFinite ? self.shortestResponse : 0
        guard elapsed >= Self.shortestRound, Double(elapsed) >= roundTrip * 1e9 else { return }
        let seconds = Double(elapsed) / 1e9
        let rate = Double(self.roundBytes) / seconds
        self.isGrowing = self.isGrowing && rate >= self.bytesPerSecond * Self.growthThreshold
        self.bytesPerSecond = self.isGrowing ? rate : self.bytesPerSecond + (rate - self.bytesPerSecond) / 4
        let decay = (self.peakBytesPerSecond - rate) * min(1, seconds / Self.peakSeconds)
        self.peakBytesPerSecond = max(rate, self.peakBytesPerSecond - decay)
        self.setTarget(roundTrip: roundTrip)
        self.roundStartedAt = now
        self.roundBytes = 0
    }

    private mutating func setTarget(roundTrip: Double) {
        let block = Double(PieceGeometry.blockLength)
        let needed = roundTrip * self.peakBytesPerSecond * 2 / block
        self.needed = Int(min(needed, Double(Self.maximumDepth)))
        var blocks = max(needed, min(self.bytesPerSecond / block, Double(Self.longestQueue)))
        if self.isGrowing { blocks = max(blocks, Double(self.target) * Self.growth) }
        let longest = max(roundTrip * 2, Self.maximumQueueSeconds) * self.peakBytesPerSecond / block
        blocks = min(blocks, max(longest, Double(Self.initialDepth)), Double(Self.maximumDepth))
        // Down by a fifth a round at most: one slow round is no slow peer.
        self.target = max(Self.minimumDepth, Int(blocks), self.target * 4 / 5)
    }
}
