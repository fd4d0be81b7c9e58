public import SwarmTypes

/// What a table of tens of thousands of torrents asks of a schedule.
extension AnnounceSchedule {
    /// One that has not begun, for another torrent with the same trackers. It takes no memory for them until it first
    /// announces; the order within each tier is its own (BEP 12). Call it on a schedule that was never started.
    public func forAnotherTorrent(
        addedAt: Instant, using random: inout some RandomNumberGenerator
    ) -> AnnounceSchedule {
        var copy = self
        copy.addedAt = addedAt
        guard self.entries.count > 1 else { return copy }
        for chain in copy.chains.indices {
            var places = copy.chains[chain].places
            var start = 0
            while start < places.count {
                let tier = self.entries[places[start]].tier
                let end = places[start...].firstIndex { self.entries[$0].tier != tier } ?? places.count
                places[start..<end].shuffle(using: &random)
                start = end
            }
            copy.chains[chain].places = places
        }
        return copy
    }

    /// The host that the next order goes to, as far as is known now; nil when nothing is due.
    public func dueHost(at now: Instant) -> String? {
        guard self.phase == .running else { return nil }
        for chain in self.chains {
            guard let wake = self.wakeTime(of: chain), wake <= now,
                let place = self.choice(in: chain, at: now)
            else { continue }
            return self.entries[place].url.host
        }
        return nil
    }
}
