import StallDiagnosis
import SwarmCore
import SwarmTypes

/// Whom to connect to.
extension TorrentEngine {
    /// Dials that may be under way at once, of all torrents.
    static let halfOpenLimit = 100

    /// An address came from somewhere.
    func heardOf(_ address: PeerAddress, _ source: PeerSource, _ torrent: ActiveTorrent) {
        guard address.isUsable, torrent.sources[address] == nil, torrent.sources.count < 1000 else { return }
        torrent.sources[address] = source
        torrent.candidates.append(address)
        torrent.ledger.noted(address, source: source, at: self.now)
        self.armTick()
    }

    func dialCandidates(of torrent: ActiveTorrent) {
        while torrent.isRunning, !torrent.candidates.isEmpty, self.openings.count < Self.halfOpenLimit,
            torrent.core.peerCount < self.settings.maximumPeersPerTorrent
        {
            let address = torrent.candidates.removeFirst()
            self.dial(address, for: torrent, encryption: self.settings.encryption)
        }
    }

    func dialEnded(_ address: PeerAddress, _ torrent: ActiveTorrent, _ reason: CloseReason) {}
}
