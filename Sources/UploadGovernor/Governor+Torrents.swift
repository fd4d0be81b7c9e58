public import LimitPlanning
public import SwarmTypes

/// A torrent of a client, and what the governor does with it.
public struct GovernedTorrent: Hashable, Sendable {
    /// Why its limit is what it is.
    public enum Standing: Hashable, Sendable {
        /// Weir has set it; the reason is nil when that was before the start.
        case given(ChangeReason?)
        /// The user's own, which Weir respects.
        case userLimit
        /// Its tracker has no cap.
        case noCap
        case outsideRollout
        /// It cannot upload: stopped, or broken.
        case idle
        /// A share is due and not in force yet.
        case waiting
        /// Its tracker is not known yet.
        case unplaced
    }

    public var key: TorrentKey
    /// Index into the configured trackers.
    public var tracker: Int?
    public var standing: Standing
    public var uploadRate: ByteRate
    /// In force; with a dry run what it would be.
    public var limit: UploadLimit
    /// From before Weir first touched it; nil when Weir has no claim on it.
    public var original: UploadLimit?
    public var leeches: Int32
    public var seeds: Int32
    /// Seconds since 1970; 0 when it never moved anything.
    public var lastActivity: Int64
    public var canUpload: Bool
    /// Whether its client was read by the last poll; else all of this is from the last good one.
    public var isCurrent: Bool
}

extension Governor {
    /// All torrents of all clients, as of their last good poll; nothing is asked of any client.
    public func torrents() async -> [GovernedTorrent] {
        var torrents: [GovernedTorrent] = []
        // A copy: others may take their place while one is asked.
        for instance in self.instances where instance.wasRead {
            let seen = await instance.client.torrents()
            torrents.reserveCapacity(torrents.count + seen.torrents.count)
            for torrent in seen.torrents {
                let key = TorrentKey(instance: instance.index, id: torrent.id)
                torrents.append(self.governed(torrent, key, instance.isCurrent))
            }
        }
        return torrents
    }

    private func governed(_ seen: SeenTorrent, _ key: TorrentKey, _ isCurrent: Bool) -> GovernedTorrent {
        let entry = self.ledger[key]
        let tracker = entry?.tracker.map(Int.init)
        let cap = tracker.flatMap {
            self.configuration.trackers.indices.contains($0) ? self.configuration.trackers[$0].cap : nil
        }
        let simulated = self.simulated[key]
        let standing: GovernedTorrent.Standing =
            switch (entry, cap) {
            case (nil, _), (_, nil): .unplaced
            case (let entry?, _) where entry.isForeign: .userLimit
            case (let entry?, _) where Int(entry.rolloutBucket) >= self.configuration.rolloutPercentage:
                .outsideRollout
            case (_, .unlimited): .noCap
            case (let entry?, _) where entry.ours != nil: .given(entry.lastReason)
            case _ where simulated != nil: .given(nil)
            default: seen.canUpload ? .waiting : .idle
            }
        return GovernedTorrent(
            key: key, tracker: cap == nil ? nil : tracker, standing: standing, uploadRate: seen.uploadRate,
            // What was confirmed is newer than the list, and gone as soon as a list shows another value.
            limit: simulated ?? entry?.ours ?? seen.limit, original: entry?.original, leeches: seen.leeches,
            seeds: seen.seeds, lastActivity: seen.lastActivity, canUpload: seen.canUpload,
            isCurrent: isCurrent)
    }
}
