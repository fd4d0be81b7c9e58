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
}

extension Governor {
    /// Leaves of each cap what somebody else uses of it.
    func share(_ input: inout PlanningInput) async {
        guard let sharing = self.environment.sharing else { return }
        var used = [CapUse](repeating: CapUse(), count: input.trackers.count)
        for torrent in input.torrents {
            let rate = torrent.uploadRate.bytesPerSecond
            let sum = used[torrent.tracker].rate.bytesPerSecond &+ rate
            used[torrent.tracker].rate = ByteRate(bytesPerSecond: sum)
            // A limiter that is reached swings around its limit.
            if let limit = torrent.limit.rate?.bytesPerSecond {
                if rate > 0, rate >= limit - limit / 8 { used[torrent.tracker].wantsMore = true }
            } else if rate > 0 {
                used[torrent.tracker].wantsMore = true
            }
        }
        let count = self.configuration.trackers.count
        let shares = await sharing.shares(
            of: self.configuration.trackers, used: Array(used.prefix(count)))
        self.lastShares = shares.count == count ? shares : []
        self.applyShares(to: &input)
    }

    func applyShares(to input: inout PlanningInput) {
        guard self.lastShares.count == self.configuration.trackers.count else { return }
        for (index, share) in self.lastShares.enumerated() {
            input.trackers[index].cap = min(input.trackers[index].cap, share)
        }
    }

    /// Whether the clients may use clearly more of a cap than they have limits for: only a full plan raises them.
    var shareHasGrown: Bool {
        guard self.lastShares.count == self.plannedShares.count else { return !self.lastShares.isEmpty }
        return zip(self.lastShares, self.plannedShares).contains { share, planned in
            guard let share = share.rate?.bytesPerSecond else { return planned != .unlimited }
            guard let planned = planned.rate?.bytesPerSecond else { return false }
            return share > planned + planned / 10
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
