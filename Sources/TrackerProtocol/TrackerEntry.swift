import SwarmTypes

/// What a schedule remembers of one tracker.
struct TrackerEntry: Sendable {
    /// An announce on its way.
    struct Flight: Sendable {
        var id: AnnounceOrder.ID
        var event: AnnounceEvent
    }

    let url: TrackerURL
    var tier: Int
    /// It has acknowledged `started`, and was not told `stopped` since.
    var isTold = false
    /// The totals when it was first sent `started` in this session.
    var baseline: TransferTotals?
    var flight: Flight?
    var failureCount = 0
    var lastFailure: AnnounceFailure?
    /// BEP 31's "never", which a restart of the torrent does not lift.
    var isGivenUp = false
    /// When it may be asked next; nil before the start.
    var nextAttempt: Instant?
    var lastAttempt: Instant?
    var lastSuccess: Instant?
    var minimumInterval: Double?
    var trackerID: [UInt8]?
    var counts = SwarmCounts()
    var warning: TrackerText?
    var peersReceived = 0

    init(url: TrackerURL, tier: Int) {
        self.url = url
        self.tier = tier
    }

    /// From when on it may be asked without an event.
    func earliest(floor: Double) -> Instant? {
        let last = self.failureCount > 0 ? self.lastAttempt : self.lastSuccess
        let minimum = self.failureCount > 0 ? nil : self.minimumInterval
        return last?.advanced(bySeconds: max(minimum ?? floor, AnnounceTiming.floorByHand))
    }

    mutating func succeeded(
        _ answer: AnnounceAnswer, at now: Instant, using random: inout some RandomNumberGenerator
    ) {
        self.failureCount = 0
        self.lastFailure = nil
        self.lastSuccess = now
        self.minimumInterval = answer.minimumInterval.map {
            min(Double($0), AnnounceTiming.longestInterval)
        }
        let interval = max(
            answer.interval.map(Double.init) ?? AnnounceTiming.defaultInterval,
            self.minimumInterval ?? 0, AnnounceTiming.floorByHand)
        let jitter = Double.random(in: AnnounceTiming.intervalJitter, using: &random)
        self.nextAttempt = now.advanced(bySeconds: min(interval, AnnounceTiming.longestInterval) * jitter)
        if let trackerID = answer.trackerID { self.trackerID = trackerID }
        self.counts = answer.counts
        self.warning = answer.warning?.hiding(self.url.secrets)
        self.peersReceived = answer.peers.count
    }

    /// - Parameter isNew: the torrent is, so that the tracker may not know it yet.
    mutating func failed(
        _ failure: AnnounceFailure, isNew: Bool, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        self.failureCount += 1
        self.lastFailure = failure.hiding(self.url.secrets)
        let jitter = Double.random(in: AnnounceTiming.retryJitter, using: &random)
        var wait = AnnounceTiming.retry(afterFailures: self.failureCount) * jitter
        switch failure {
        case .refused(_, .never): self.isGivenUp = true
        case .refused(_, .afterMinutes(let minutes)):
            wait = min(Double(minutes) * 60, AnnounceTiming.longestInterval)
        case .refused(let words, .unsaid) where isNew && words.saysUnregistered:
            wait = AnnounceTiming.unregisteredRetry
        default: break
        }
        self.nextAttempt = self.isGivenUp ? nil : now.advanced(bySeconds: wait)
    }
}

/// Trackers of which one is used at a time, the next when it fails.
struct TrackerChain: Sendable {
    /// Places in the list of entries, tier by tier, within a tier in the order in which they are tried.
    var places: [Int]
    /// The place that answered last and has not failed since.
    var working: Int?
    /// The download was completed, and no tracker of these has acknowledged it.
    var owesCompleted = false
}
