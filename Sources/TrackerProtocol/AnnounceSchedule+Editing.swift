public import SwarmTypes

/// Trackers changed by hand.
extension AnnounceSchedule {
    /// Uses these trackers from now on, also of a private torrent: it is its owner who says so. Those that stay go on as
    /// they were; new ones are asked at once. Answers the farewells to those that are gone.
    public mutating func setTrackers(_ tiers: [[String]], at now: Instant, for facts: AnnounceFacts) -> Ending
    {
        let known = self
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
        return known.farewells(toAllBut: self.entries.map(\.url), facts)
    }

    private func farewells(toAllBut kept: [TrackerURL], _ facts: AnnounceFacts) -> Ending {
        var old = self
        var ending = Ending()
        for place in old.entries.indices
        where self.phase == .running && !kept.contains(old.entries[place].url) {
            ending.add(old.endSession(with: place, facts))
        }
        return ending
    }
}
