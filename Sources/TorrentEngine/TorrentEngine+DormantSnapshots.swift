import StallDiagnosis
import SwarmCore
import SwarmTypes
import TrackerProtocol

/// What diagnosis sees of a torrent that sleeps, without waking it.
extension TorrentEngine {
    func dormantSnapshot(of id: TorrentID) -> TorrentSnapshot? {
        guard let row = self.dormant.table[id] else { return nil }
        let failure = self.dormant.failures[id]
        var snapshot = TorrentSnapshot(
            id: id, name: row.name, state: failure.map { .failed($0) } ?? .seeding, since: row.addedAt,
            now: self.now)
        snapshot.isPrivate = row.isPrivate
        snapshot.pieces.total = Int(row.pieceCount)
        snapshot.pieces.have = Int(row.pieceCount)
        snapshot.traffic.lastSent = row.lastUploadAt
        snapshot.counts.maximumConnections = self.settings.maximumPeersPerTorrent
        snapshot.counts.sessionConnections = self.connectionCount
        snapshot.counts.maximumSessionConnections = self.settings.maximumConnections
        snapshot.counts.halfOpen = self.openings.count
        snapshot.counts.maximumHalfOpen = Self.halfOpenLimit
        snapshot.ledger = self.dormant.table.ledger(of: id) ?? PeerLedger()
        snapshot.trackers = row.schedule.statuses.map { TrackerSnapshot($0) }
        snapshot.session = self.sessionFacts
        return snapshot
    }
}
