import SwarmTypes

/// One governed client and what the governor knows of its state.
struct InstanceRecord: Sendable {
    enum State: Hashable, Sendable {
        /// No poll has ended yet.
        case unknown
        case current
        case lost(ClientProblem)
    }

    let client: any GovernedClient
    let index: InstanceIndex
    var state = State.unknown
    var placement = TrackerPlacement()
    /// Whether a poll is under way; a slow client is polled once, and nobody waits for it longer than patience.
    var isPolling = false
    /// Whether a poll has ever succeeded: only then is the list of torrents known.
    var wasRead = false
    /// In the list of the last good poll.
    var torrents = 0
    var restarted = false
    var limitsIncludeOverhead = false
    var failures = 0
    /// Restarts of the client that were noticed.
    var restarts = 0
    /// Limits that were not as Weir had set them.
    var drifts = 0
    /// Whether another hand sets the same limits.
    var contest = LimitContest()
    /// Torrents whose limit another hand has set since the start, and Weir respects.
    var takenOver: Set<TorrentID> = []
    /// When a limit was last confirmed, in seconds since 1970.
    var lastApplied: Int64?
    /// What it uploads for each configured tracker, as of its last list.
    var shares: [InstanceShare] = []
    /// A poll has ended whose bytes are in no sum yet.
    var hasUncounted = false
    var nextPoll = Instant(nanoseconds: .min)
    var lastRead: Instant?
    /// The cycle since which every good poll had the complete list, for telling that a torrent is gone.
    var readSinceCycle: UInt32 = 0

    init(client: any GovernedClient, index: InstanceIndex) {
        self.client = client
        self.index = index
    }

    var isCurrent: Bool { self.state == .current }

    /// The client refuses the credentials.
    var isRefused: Bool {
        if case .lost(.refused) = self.state { true } else { false }
    }

    mutating func succeeded(_ notice: PollNotice, at now: Instant) {
        self.state = .current
        self.wasRead = true
        self.hasUncounted = true
        self.restarted = self.restarted || notice.restarted
        if notice.restarted { self.restarts += 1 }
        self.limitsIncludeOverhead = notice.limitsIncludeOverhead
        self.failures = 0
        self.nextPoll = now
        self.lastRead = now
    }

    /// Backs off 5 s, 10 s … 60 s; a client that refuses us is asked only every 5 minutes, and its adapter
    /// does not log in again until the credentials change.
    mutating func failed(_ problem: ClientProblem, at now: Instant) {
        self.state = .lost(problem)
        let pause: Double
        if case .refused = problem {
            pause = 300
        } else {
            pause = Double(min(5 << min(self.failures, 4), 60))
        }
        self.failures += 1
        self.nextPoll = now.advanced(bySeconds: pause)
    }
}
