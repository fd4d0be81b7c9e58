public import SwarmTypes

/// Trackers changed by hand.
extension AnnounceSchedule {
    /// Uses these trackers from now on, also of a private torrent: it is its owner who says so. Those that stay go on as
    /// they were; new ones are asked at once. One that is gone hears nothing more, and forgets us by itself.
    public mutating func setTrackers(_ tiers: [[String]], at now: Instant) {
        let old = self.entries
        let working = self.chains.compactMap { chain in chain.working.map { old[$0].url } }
        let owesCompleted = self.chains.contains { $0.owesCompleted }
        self.entries = []
        self.chains = []
        for (tier, texts) in tiers.enumerated() {
            for text in texts { _ = self.insert(text, tier: tier) }
        }
        for place in self.entries.indices {
            let tier = self.entries[place].tier
            if let known = old.first(where: { $0.url == self.entries[place].url }) {
                self.entries[place] = known
                self.entries[place].tier = tier
            } else if self.phase == .running {
                self.entries[place].nextAttempt = now
            }
        }
        for chain in self.chains.indices {
            self.chains[chain].working = self.chains[chain].places.first {
                working.contains(self.entries[$0].url)
            }
            self.chains[chain].owesCompleted = owesCompleted
        }
    }
}
