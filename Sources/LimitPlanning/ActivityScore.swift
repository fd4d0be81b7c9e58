import SwarmTypes

/// How active a torrent is, 0...1: full while it uploads more than 10 KiB/s, else by the age of its last
/// activity, with a bonus for many peers. `weighted` gives a share of their own to the highest.
public func activityScore(of torrent: PlanningTorrent) -> Double {
    if torrent.uploadRate.bytesPerSecond > 10_240 { return 1 }

    let byAge =
        switch torrent.lastActivityAgeSeconds {
        case .some(..<3_600): 0.8
        case .some(..<21_600): 0.5
        case .some(..<86_400): 0.2
        default: 0.0
        }
    let peers = Int64(torrent.leeches) + Int64(torrent.seeds)
    return min(1, byAge + (peers > 20 ? 0.3 : peers > 5 ? 0.1 : 0))
}

extension TorrentTable {
    /// The positions among `candidates` that get a share of their own, `maximum` at most: by score, then by
    /// rate, then by key.
    func mostActive(_ candidates: [Int], maximum: Int) -> Set<Int> {
        guard candidates.count > maximum else { return Set(candidates) }

        let scores = candidates.map { activityScore(of: self.torrent(at: $0)) }
        let ranked = candidates.indices.sorted { left, right in
            if scores[left] != scores[right] { return scores[left] > scores[right] }
            let (first, second) = (candidates[left], candidates[right])
            if self.rates[first] != self.rates[second] { return self.rates[first] > self.rates[second] }
            return self.torrent(at: first).key < self.torrent(at: second).key
        }
        return Set(ranked.prefix(max(0, maximum)).map { candidates[$0] })
    }
}
