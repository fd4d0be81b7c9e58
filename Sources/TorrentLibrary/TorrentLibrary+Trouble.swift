import EventIO
import StallDiagnosis
import SwarmTypes
import TorrentCatalog
import TorrentEngine

/// Why torrents do not move.
extension TorrentLibrary {
    /// One torrent is looked at no more often, and so many in one second: a diagnosis looks at all its peers.
    private static let diagnosisSeconds = 5.0
    private static let mostDiagnoses = 20

    /// Looks at torrents that move, or that something happened to.
    func diagnoseSome(of ids: Set<TorrentID>) {
        self.waitingForDiagnosis.formUnion(ids)
        let now = self.loop.now
        var left = Self.mostDiagnoses
        for id in self.waitingForDiagnosis where left > 0 {
            guard let torrent = self.torrents[id] else {
                self.waitingForDiagnosis.remove(id)
                continue
            }
            if let last = torrent.diagnosedAt, now.seconds(since: last) < Self.diagnosisSeconds { continue }
            self.waitingForDiagnosis.remove(id)
            torrent.diagnosedAt = now
            left -= 1
            self.diagnose(torrent)
        }
    }

    private func diagnose(_ torrent: LibraryTorrent) {
        guard let line = self.line(of: torrent.id) else { return }
        let trouble = self.trouble(of: torrent, line)
        guard trouble?.code != line.trouble?.code || trouble?.headline != line.trouble?.headline else {
            return
        }
        if let trouble, trouble.code != line.trouble?.code {
            self.note(torrent, trouble.code.rawValue, trouble.headline)
        } else if trouble == nil, line.trouble != nil {
            self.note(torrent, "recovered", "Nothing is wrong any more")
        }
        self.lines[torrent.id, default: line].trouble = trouble
        self.touched.insert(torrent.id)
    }

    /// Nil while nothing is wrong: it moves, it is to stand still, or nobody wants anything of what it has.
    private func trouble(of torrent: LibraryTorrent, _ line: TorrentSummary) -> TorrentTrouble? {
        guard let snapshot = self.snapshotNow(of: torrent) else { return nil }
        let verdict = StallDiagnosis.diagnose(snapshot)
        guard verdict.severity >= .watch else { return nil }
        let since = line.trouble?.code == verdict.code ? line.trouble?.since : nil
        return TorrentTrouble(
            code: verdict.code, severity: verdict.severity, headline: verdict.headline,
            since: since ?? self.now)
    }
}
