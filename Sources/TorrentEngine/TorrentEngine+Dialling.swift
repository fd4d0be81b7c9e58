import EventIO
import MetainfoCoding
import PeerPolicy
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TrackerClient

/// Whom to connect to.
extension TorrentEngine {
    /// Dials that may be under way at once, of all torrents.
    static let halfOpenLimit = 100
    /// A seed that nobody asks keeps looking for leechers that cannot dial it, but not more often than this.
    private static let candidatesAtOnce = 8

    /// An address came from somewhere.
    func heardOf(_ address: PeerAddress, _ source: PeerSource, _ torrent: ActiveTorrent) {
        guard !self.ownAddresses.contains(address) else {
            guard torrent.ledger[address] == nil else { return }
            torrent.ledger.noted(address, source: source, at: self.now)
            return torrent.ledger.closed(address, .ownConnection, at: self.now)
        }
        guard !self.isBanned(address),
            torrent.core.book.add(address, from: PeerSources(source), at: self.now) != nil
        else { return }
        torrent.ledger.noted(address, source: source, at: self.now)
        self.armTick()
    }

    /// A peer whose host has a name that has to be looked up. A link that somebody gave away may not lead into this network;
    /// what the user typed may.
    func findPeer(_ peer: MagnetPeer, of torrent: ActiveTorrent, isTyped: Bool) {
        let id = torrent.core.id
        self.trackers.addresses(of: peer.host) { [weak self] outcome in
            self?.assumeIsolated { engine in
                guard case .success(let addresses) = outcome, let torrent = engine.torrents[id] else {
                    return
                }
                engine.now = engine.loop.now
                for address in addresses where isTyped || address.scope == .global {
                    engine.heardOf(address.with(port: peer.port), .byHand, torrent)
                }
            }
        }
    }

    /// Dials as many as there is room for.
    func dialCandidates(of torrent: ActiveTorrent) {
        guard torrent.isRunning else { return }
        let isSeed = torrent.core.isFinished
        while true {
            let keys = torrent.core.book.candidates(
                Self.candidatesAtOnce, ownAddress: nil, weAreSeed: isSeed, at: self.now, using: &self.random)
            guard !keys.isEmpty else { return }
            for key in keys {
                guard let address = torrent.core.book.address(of: key) else { continue }
                guard !self.ownAddresses.contains(address) else {
                    torrent.core.book.closed(key, because: .ownConnection, wasUseful: false, at: self.now)
                    continue
                }
                let connections = torrent.core.peerCount + torrent.dialling
                guard self.budget.dial(address, torrentConnections: connections, at: self.now) == .yes else {
                    return
                }
                torrent.core.book.startedDialling(key)
                torrent.dialling += 1
                self.dial(
                    address, for: torrent,
                    encryption: self.settings.encryption == .allow ? .off : self.settings.encryption)
            }
        }
    }

    /// A dial has become a connection or not.
    func dialEnded(_ torrent: ActiveTorrent, connected: Bool) {
        torrent.dialling -= 1
        self.budget.dialEnded(connected: connected)
    }

    /// An address that was dialled in vain, or whose handshake failed.
    func dialFailed(_ address: PeerAddress, _ torrent: ActiveTorrent, _ reason: CloseReason) {
        // Of duplicates the swarm has told its book itself: the address may be that of the other connection by now.
        guard reason != .duplicateConnection, let key = torrent.core.book.key(of: address) else { return }
        torrent.core.book.closed(key, because: reason, wasUseful: false, at: self.now)
    }
}

extension PeerSources {
    init(_ source: PeerSource) {
        switch source {
        case .tracker: self = .tracker
        case .peerExchange: self = .exchange
        case .dht, .localDiscovery: self = .dht
        case .byHand: self = .manual
        case .incoming: self = .incoming
        case .resumed: self = .resumed
        }
    }
}

extension PeerSource {
    /// The best of several.
    init(_ sources: PeerSources) {
        self =
            sources.contains(.manual) || sources.contains(.magnet)
            ? .byHand
            : sources.contains(.tracker)
                ? .tracker
                : sources.contains(.exchange)
                    ? .peerExchange
                    : sources.contains(.incoming) ? .incoming : .resumed
    }
}
