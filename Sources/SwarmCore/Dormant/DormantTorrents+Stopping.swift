public import SwarmTypes
public import TrackerProtocol

/// The end of all dormant torrents at once.
extension DormantTorrents {
    /// Empties the table. Answers, for each torrent that a tracker knows, what is left of its session.
    /// - Parameter port: the one that peers are told.
    public mutating func stop(port: UInt16) -> [(torrent: TorrentID, ending: AnnounceSchedule.Ending)] {
        var endings: [(TorrentID, AnnounceSchedule.Ending)] = []
        for number in self.rows.indices {
            guard let facts = self.rows[number]?.facts(port: port),
                let ending = self.rows[number]?.schedule.stop(for: facts), ending != .init()
            else { continue }
            endings.append((facts.torrent, ending))
        }
        self = DormantTorrents()
        return endings
    }
}
