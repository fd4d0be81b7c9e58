public import LimitPlanning
public import SwarmTypes

/// What the clients use of one tracker's cap.
public struct CapUse: Hashable, Sendable {
    public var rate = ByteRate.zero
    /// A torrent of theirs fills its limit, or has none and uploads.
    public var wantsMore = false

    public init() {}
}

/// Somebody who uploads under the same caps beside the clients.
public protocol CapSharing: Sendable {
    /// Asked before each plan: what the clients together may use of each tracker's cap, in the order of the trackers.
    func shares(of trackers: [GovernedTracker], used: [CapUse]) async -> [UploadLimit]
    /// The limits are in force by which the clients keep to their last shares.
    func sharesHold() async
    /// When to read again what the clients send; nil while nobody needs it more often than a plan is made.
    var nextLook: Instant? { get async }
    /// What the clients have sent under each tracker since the start, all of them having been read just now.
    func clientsSent(_ totals: [Int64]) async
}

extension Governor {
    /// Reads what the clients have sent, and nothing else.
    func look() async {
        await self.exclusively { governor in
            await governor.pollInstances(.cheap, hints: [])
            for place in governor.instances.indices where governor.instances[place].wasRead {
                governor.countSent(await governor.instances[place].client.torrents(), at: place)
            }
            await governor.tellSent()
        }
    }

    /// Adds up, once, what a poll says was sent. A torrent that no cycle has seen yet has no tracker, and sends little.
    func countSent(_ seen: SeenTorrents, at place: Int) {
        guard self.environment.sharing != nil, self.instances[place].hasUncounted else { return }
        self.instances[place].hasUncounted = false
        let count = self.configuration.trackers.count
        if self.sentTotals.count != count { self.sentTotals = Array(repeating: 0, count: count) }
        let instance = self.instances[place].index
        for torrent in seen.torrents where torrent.sentSincePoll > 0 {
            let key = TorrentKey(instance: instance, id: torrent.id)
            guard let tracker = self.ledger[key]?.tracker.map(Int.init), tracker < count else { continue }
            self.sentTotals[tracker] &+= torrent.sentSincePoll
        }
    }

    /// Of a client that was not read nobody knows what it has sent.
    func tellSent() async {
        guard !self.sentTotals.isEmpty, self.instances.allSatisfy(\.isCurrent) else { return }
        await self.environment.sharing?.clientsSent(self.sentTotals)
    }

    /// Leaves of each cap what somebody else uses of it.
    func share(_ input: inout PlanningInput) async {
        guard let sharing = self.environment.sharing else { return }
        var used = [CapUse](repeating: CapUse(), count: input.trackers.count)
        for torrent in input.torrents {
            let rate = torrent.uploadRate.bytesPerSecond
            let sum = used[torrent.tracker].rate.bytesPerSecond &+ rate
            used[torrent.tracker].rate = ByteRate(bytesPerSecond: sum)
            // A limiter that is reached swings around its limit, and what it sends is shown with a delay.
            if let limit = torrent.limit.rate?.bytesPerSecond {
                if rate > 0, rate >= limit - limit / 4 { used[torrent.tracker].wantsMore = true }
            } else if rate > 0 {
                used[torrent.tracker].wantsMore = true
            }
        }
        let count = self.configuration.trackers.count
        await self.tellSent()
        let shares = await sharing.shares(
            of: self.configuration.trackers, used: Array(used.prefix(count)))
        self.lastShares = shares.count == count ? shares : []
        self.applyShares(to: &input)
    }

    func applyShares(to input: inout PlanningInput) {
        guard self.lastShares.count == self.configuration.trackers.count else { return }
        for (index, share) in self.lastShares.enumerated() {
            input.trackers[index].cap = min(input.trackers[index].cap, share)
            input.trackers[index].isShared = true
        }
    }

    /// Once the limits are in force.
    func noteShares(_ outcome: CycleOutcome) async {
        switch outcome {
        case .applied, .unchanged, .simulated: await self.environment.sharing?.sharesHold()
        default: break
        }
    }
}
