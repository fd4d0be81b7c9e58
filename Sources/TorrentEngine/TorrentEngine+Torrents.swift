import EventIO
import MetainfoCoding
import PeerPolicy
import PeerProtocol
import RateControl
import StallDiagnosis
import SwarmCore
public import SwarmTypes
import TorrentStorage
import TrackerProtocol

/// Torrents that come, change and go.
extension TorrentEngine {
    /// Calls `body` on the loop with all that happens from now on.
    public func observe(_ body: @escaping @Sendable (EngineEvent) -> Void) { self.observer = body }

    /// Adds a torrent and starts it.
    @discardableResult
    public func add(_ source: TorrentSource, _ options: AddOptions) throws(AddFailure) -> TorrentID {
        self.now = self.loop.now
        self.prepareStorage()
        let id = source.id
        // Its swarm is that of version 2, whatever else the torrent may have.
        if case .magnet(let link) = source, link.v1ID == nil { throw .onlyVersion2 }
        guard self.torrents[id] == nil, !self.dormant.table.contains(id) else { throw .alreadyThere }
        let (announcement, isPrivate) = source.announcement
        let torrent = self.makeTorrent(
            self.makeCore(id, ownID: PeerID.own(using: &self.random), isPrivate: isPrivate), options,
            name: source.name,
            schedule: AnnounceSchedule(
                // Of a magnet link whose metadata came from peers, the record knows them and its metainfo does not.
                tiers: options.trackers
                    ?? (announcement.tiers.isEmpty
                        ? options.stored?.record.trackers.tiers ?? [] : announcement.tiers),
                isPrivate: isPrivate, addedAt: self.now, using: &self.random),
            announceKey: UInt32.random(in: 0 ... .max, using: &self.random), addedAt: self.now)
        self.torrents[id] = torrent
        self.obfuscated.insert(id, MessageStreamPrimitives())
        for address in options.peers { self.heardOf(address, .byHand, torrent) }
        for peer in options.namedPeers { self.findPeer(peer, of: torrent, isTyped: true) }
        do throws(AddFailure) {
            switch source {
            case .metainfo(let metainfo): try self.open(metainfo, torrent)
            case .magnet(let link):
                torrent.link = link
                for peer in link.peers {
                    if let address = peer.address {
                        self.heardOf(address, .byHand, torrent)
                    } else {
                        self.findPeer(peer, of: torrent, isTyped: false)
                    }
                }
                self.openLink(torrent)
            }
        } catch {
            self.remove(torrent)
            throw error
        }
        self.armTick()
        return id
    }

    func prepareStorage() {
        guard self.storage.whenRelieved == nil else { return }
        self.storage.whenRelieved = { [weak self] in self?.assumeIsolated { $0.diskRelieved() } }
    }

    func makeCore(_ id: TorrentID, ownID: PeerID, isPrivate: Bool) -> SwarmCore {
        var settings = SwarmSettings()
        settings.maximumPeers = self.settings.maximumPeersPerTorrent
        settings.exchangesPeers = self.settings.exchangesPeers
        settings.clientText = self.settings.clientText
        settings.listeningPort = self.listeningPort
        return SwarmCore(id: id, ownID: ownID, isPrivate: isPrivate, settings: settings, at: self.now)
    }

    /// With its places in the trees of limits.
    func makeTorrent(
        _ core: SwarmCore, _ options: AddOptions, name: String, schedule: AnnounceSchedule,
        announceKey: UInt32, addedAt: Instant
    ) -> ActiveTorrent {
        let parent = options.cap.map { self.joinCap($0) }
        return ActiveTorrent(
            core: core, state: .fetchingMetadata, options: options, name: name, schedule: schedule,
            announceKey: announceKey,
            uploadNode: self.uploads.addNode(
                below: parent?.upload ?? self.uploads.root, limit: options.uploadLimit, at: self.now),
            downloadNode: self.downloads.addNode(
                below: parent?.download ?? self.downloads.root, limit: options.downloadLimit, at: self.now),
            at: addedAt)
    }

    /// What the disk has is known: the swarm begins.
    func run(_ torrent: ActiveTorrent) {
        guard let store = torrent.store else { return }
        let hadBegun = torrent.core.geometry != nil
        torrent.state = .running
        torrent.tryAgain = nil
        torrent.recovery.recovered()
        if !hadBegun {
            torrent.core.begin(
                store.geometry, have: store.have, arrived: store.arrivedBlocks,
                wanted: torrent.options.isSeedOnly ? store.have : torrent.selection, at: self.now,
                using: &self.random, into: &torrent.actions)
        }
        torrent.setPieceCount(store.geometry.pieceCount)
        if !hadBegun, !torrent.options.wishes.isDefault { self.applyWishes(to: torrent) }
        let isFinished = torrent.core.isFinished
        guard !torrent.options.checksOnly else {
            self.performActions(of: torrent)
            self.observer?(.running(torrent.core.id))
            return
        }
        self.budget.torrentStarted(at: self.now)
        self.announceStart(torrent)
        self.performActions(of: torrent)
        self.dialCandidates(of: torrent)
        self.observer?(.running(torrent.core.id))
        if isFinished { self.observer?(.finished(torrent.core.id)) }
        self.tellSleepless(torrent.core.id, torrent)
    }

    func finished(_ torrent: ActiveTorrent) {
        self.announceCompleted(torrent)
        self.observer?(.finished(torrent.core.id))
    }

    func metadataReceived(_ bytes: [UInt8], of torrent: ActiveTorrent) {
        guard let link = torrent.link else { return }
        // Before anything in it is believed: a liar must be found out, and not be taken for the torrent.
        guard link.names(infoDictionary: bytes, hashing: .openSSL) else {
            torrent.core.metadataFailed(at: self.now, into: &torrent.actions)
            return
        }
        do throws(MetainfoFailure) {
            let metainfo = try Metainfo(
                infoDictionary: bytes, announcement: link.announcement, hashing: .openSSL)
            if metainfo.isPrivate {
                torrent.core.becomePrivate(at: self.now, into: &torrent.actions)
                torrent.schedule.becomePrivate()
            }
            try self.openReceived(metainfo, torrent)
            self.observer?(.metadata(torrent.core.id))
        } catch {
            self.fail(torrent, "what the magnet link names is not taken: \(error)")
        }
    }

    private func openReceived(_ metainfo: Metainfo, _ torrent: ActiveTorrent) throws(MetainfoFailure) {
        do throws(AddFailure) {
            try self.open(metainfo, torrent)
        } catch {
            self.fail(torrent, "\(error)")
        }
    }

    func fail(_ torrent: ActiveTorrent, _ words: String) {
        torrent.state = .failed(words)
        for connection in torrent.allConnections { self.close(connection, .torrentStopped) }
        self.tellSleepless(torrent.core.id, nil)
        self.observer?(.failed(torrent.core.id, words))
    }

    func remove(_ torrent: ActiveTorrent) {
        self.torrents[torrent.core.id] = nil
        self.obfuscated.remove(torrent.core.id, MessageStreamPrimitives())
        self.removeNodes(of: torrent)
    }

    func removeNodes(of torrent: ActiveTorrent) {
        self.uploads.remove(torrent.uploadNode)
        self.downloads.remove(torrent.downloadNode)
        if let cap = torrent.options.cap { self.leaveCap(cap) }
    }
}

extension TorrentEngine {
    /// A peer asks for a piece of the info dictionary (BEP 9).
    func giveMetadata(_ piece: Int, to slot: PeerSlot, of torrent: ActiveTorrent) {
        let info = torrent.metainfo?.infoBytes ?? []
        var bytes: ArraySlice<UInt8>?
        if let range = MetadataPieces.range(of: piece, size: info.count) {
            bytes = info[(info.startIndex + range.lowerBound)..<(info.startIndex + range.upperBound)]
        }
        torrent.core.give(
            metadataPiece: piece, bytes, totalSize: info.count, to: slot, into: &torrent.actions)
    }

    func noteLocalFailure(_ failure: SystemCallFailure) {
        self.localFailure = failure
        self.localFailureAt = self.now
    }
}
