public import EventIO
public import MetainfoCoding
import PeerPolicy
import PieceSelection
import StallDiagnosis
import SwarmCore
public import SwarmTypes
import TorrentStorage
public import TrackerProtocol

/// What is asked of one torrent while others go on.
extension TorrentEngine {
    /// Ends a torrent: what waits is written, its trackers are told `stopped`, its connections end, and it leaves the
    /// engine. Calls `body` on the loop when it has left, while trackers may not have heard of it yet. Answers
    /// false, and never calls it, when there is no such torrent or it is ending already.
    /// - Parameters:
    ///   - forgetting: nothing of it is recorded any more.
    ///   - removingFiles: its files, and those of its folders that are empty then, are removed. What is not the torrent's
    ///     stays.
    @discardableResult
    public func end(
        _ id: TorrentID, forgetting: Bool = false, removingFiles: Bool = false,
        _ body: @escaping @Sendable (EndedTorrent) -> Void
    ) -> Bool {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] ?? self.takeDormant(id), torrent.state != .stopping else {
            return false
        }
        torrent.whenEnded = body
        torrent.removesFiles = removingFiles
        if forgetting { self.forget(torrent) }
        self.stop(torrent)
        self.stopStep(torrent)
        return true
    }

    /// Records nothing more of a torrent that is ending, and that its owner has removed meanwhile.
    public func forget(_ id: TorrentID) {
        if let torrent = self.torrents[id] { self.forget(torrent) }
    }

    /// Removes the files of a torrent that the engine does not have.
    public func removeFiles(
        of metainfo: Metainfo, renamed: [Int: String], in directory: String,
        _ body: @escaping @Sendable (String?) -> Void
    ) {
        do throws(LayoutFailure) {
            let store = TorrentStore(
                torrent: metainfo.id, layout: try TorrentLayout(metainfo, renamed: renamed),
                directory: directory, service: self.storage)
            store.removeFiles { result in
                switch result {
                case .success: body(nil)
                case .failure(let failure): body(failure.description)
                }
            }
        } catch {
            body("\(error)")
        }
    }

    // MARK: Trackers

    /// Asks the trackers as soon as they allow.
    public func announceNow(_ id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else {
            let now = self.now
            self.dormant.table.changeSchedule(of: id, at: now, port: self.announcedPort ?? 0) { schedule, _ in
                schedule.announceByHand(at: now)
            }
            return self.armDormant()
        }
        guard torrent.isRunning else { return }
        torrent.schedule.announceByHand(at: self.now)
        self.announceDue(torrent)
    }

    /// The trackers in the order in which they are tried.
    public func trackerStatuses(of id: TorrentID) -> [TrackerStatus] {
        self.schedule(of: id)?.statuses ?? []
    }

    /// Uses these trackers instead, by tier.
    public func setTrackers(_ tiers: [[String]], of id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else {
            let now = self.now
            guard self.changeDormant(id, { $0.trackers = tiers }) else { return }
            var ending = AnnounceSchedule.Ending()
            self.dormant.table.changeSchedule(of: id, at: now, port: self.announcedPort ?? 0) {
                ending = $0.setTrackers(tiers, at: now, for: $1)
            }
            self.bidFarewell(ending, tickets: self.dormant.tickets[id] ?? [:])
            return self.armDormant()
        }
        torrent.options.trackers = tiers
        let ending = torrent.schedule.setTrackers(tiers, at: self.now, for: self.facts(of: torrent))
        self.bidFarewell(ending, tickets: torrent.tickets)
        if torrent.isRunning { self.announceDue(torrent) }
    }

    // MARK: Files of torrents that the engine does not have

    /// Moves a torrent's files to another folder, which is made if need be. `body` hears whether they are there, and what
    /// went wrong: also when they are there, something of the old place may be left.
    public func moveFiles(
        of metainfo: Metainfo, renamed: [Int: String], from old: String, to new: String,
        _ body: @escaping @Sendable (_ areMoved: Bool, _ problem: String?) -> Void
    ) {
        do throws(LayoutFailure) {
            let store = TorrentStore(
                torrent: metainfo.id, layout: try TorrentLayout(metainfo, renamed: renamed), directory: old,
                service: self.storage)
            let move = store.move(to: new) { answer in
                switch answer {
                case .moved: body(true, nil)
                case .movedButNotRemoved(let failure): body(true, failure.description)
                case .failed(let failure): body(false, failure.description)
                case .cancelled: body(false, "it was given up")
                }
            }
            if move == nil { body(false, "its storage has stopped") }
        } catch {
            body(false, "\(error)")
        }
    }

    /// Makes a folder where it is not there yet; `body` hears why no files can be made in it.
    public func prepareFolder(_ path: String, _ body: @escaping @Sendable (String?) -> Void) {
        self.storage.prepareFolder(path) { body($0?.description) }
    }

    /// Gives files other paths.
    public func renameFiles(
        of metainfo: Metainfo, from old: [Int: String], to new: [Int: String], in directory: String,
        _ body: @escaping @Sendable (String?) -> Void
    ) {
        do throws(LayoutFailure) {
            let layout = try TorrentLayout(metainfo, renamed: new)
            let store = TorrentStore(
                torrent: metainfo.id, layout: try TorrentLayout(metainfo, renamed: old),
                directory: directory, service: self.storage)
            store.renameFiles(to: layout) { result in
                switch result {
                case .success: body(nil)
                case .failure(let failure): body(failure.description)
                }
            }
        } catch {
            body("\(error)")
        }
    }

    // MARK: All torrents

    /// Listens at this port, and asks the router to let peers in or no more. What is connected stays. Trackers hear of the
    /// port with their next announce.
    public func listen(at port: UInt16, mapsPort: Bool) throws(SystemCallFailure) {
        let isSame = !self.listeners.isEmpty && (self.settings.listenAddresses.first?.port ?? 0) == port
        guard !isSame || mapsPort != self.settings.mapsPort else { return }
        self.settings.mapsPort = mapsPort
        self.settings.listenAddresses = self.settings.listenAddresses.map { $0.with(port: port) }
        if !isSame {
            for listener in self.listeners { self.loop.unwatch(listener.socket.descriptor) }
            self.listeners = []
            self.listeningFailure = nil
            self.ownAddresses.removeAll()
        }
        // A mapping is of the old port.
        self.stopMapping { [weak self] in self?.assumeIsolated { $0.startMapping() } }
        if !isSame { try self.listen() }
        for torrent in self.torrents.values { torrent.core.settings.listeningPort = self.listeningPort }
    }

    public func setConnectionLimits(all: Int, perTorrent: Int) {
        self.settings.maximumConnections = all
        self.settings.maximumPeersPerTorrent = perTorrent
        self.budget.limits.connections = all
        self.budget.limits.connectionsPerTorrent = perTorrent
        for torrent in self.torrents.values { torrent.core.settings.maximumPeers = perTorrent }
    }

    /// Peers that are connected already may go on naming others, who are not listened to.
    public func setExchangesPeers(_ exchangesPeers: Bool) {
        self.settings.exchangesPeers = exchangesPeers
        for torrent in self.torrents.values { torrent.core.settings.exchangesPeers = exchangesPeers }
    }

    /// Of connections from now on.
    public func setEncryption(_ policy: EncryptionPolicy) { self.settings.encryption = policy }

    // MARK: Peers

    /// Dials these as well.
    public func addPeers(_ peers: [PeerAddress], to id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else {
            if self.dormant.table.contains(id) { self.wake(id, for: .peers(peers)) }
            return
        }
        // One that is being checked dials them when it is done.
        for address in peers { self.heardOf(address, .byHand, torrent) }
        self.dialCandidates(of: torrent)
    }

    /// Cuts these hosts off, under any port, and lets them in no more; those of before that are not named may come again.
    public func setBannedHosts(_ hosts: [PeerAddress]) {
        self.now = self.loop.now
        self.bannedHosts = Set(hosts.map { $0.with(port: 0) })
        for connection in self.connections.compactMap({ $0 }) where self.isBanned(connection.address) {
            self.close(connection, .banned)
        }
    }

    func isBanned(_ address: PeerAddress) -> Bool {
        !self.bannedHosts.isEmpty && self.bannedHosts.contains(address.with(port: 0))
    }

    // MARK: Wishes

    /// Changes what is wanted of a torrent, and in which order.
    public func setWishes(_ wishes: TorrentWishes, of id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else {
            _ = self.changeDormant(id) { $0.wishes = wishes }
            // What it lacks now is found when it is awake.
            if !wishes.isDefault { self.wake(id) }
            return
        }
        let selection = torrent.options.wishes.selection(fileCount: torrent.metainfo?.files.count ?? 0)
        torrent.options.wishes = wishes
        guard let store = torrent.store, let metainfo = torrent.metainfo else { return }
        let new = wishes.selection(fileCount: metainfo.files.count)
        guard new != selection else { return self.applyWishes(to: torrent) }
        // Files that become wanted get first what the part file has of them.
        store.select(new) { [weak self] result in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id] else { return }
                if case .failure(let failure) = result { return engine.stopped(torrent, because: failure) }
                engine.applyWishes(to: torrent)
            }
        }
    }

    func applyWishes(to torrent: ActiveTorrent) {
        guard let layout = torrent.store?.layout, torrent.core.geometry != nil else { return }
        let wishes = torrent.options.wishes
        let wasFinished = torrent.core.isFinished
        torrent.core.want(
            wishes.priorities(in: layout), order: wishes.isSequential ? .sequential : .rarestFirst,
            at: self.now, into: &torrent.actions)
        self.performActions(of: torrent)
        guard wasFinished, !torrent.core.isFinished else { return }
        torrent.schedule.wantPeers(at: self.now)
        self.announceDue(torrent)
        self.dialCandidates(of: torrent)
        self.armTick()
    }
}

/// What is wanted of a torrent's files.
public struct TorrentWishes: Hashable, Sendable {
    public enum FileWish: UInt8, Hashable, Sendable { case skip, normal, high, highest }

    /// By file; those that are not named are normal.
    public var files: [Int: FileWish] = [:]
    public var isSequential = false
    /// The first and the last piece of each file come before the others.
    public var wantsEndsFirst = false

    public init() {}

    public var isDefault: Bool { self.files.isEmpty && !self.isSequential && !self.wantsEndsFirst }

    /// The wanted files; nil for all.
    func selection(fileCount: Int) -> Bitfield? {
        guard self.files.values.contains(.skip) else { return nil }
        var selection = Bitfield(allSet: fileCount)
        for (file, wish) in self.files where wish == .skip && file >= 0 && file < fileCount {
            selection.clear(file)
        }
        return selection
    }

    /// Of each piece; one that files share has the highest of theirs.
    func priorities(in layout: TorrentLayout) -> [PiecePriority] {
        guard !self.files.isEmpty || self.wantsEndsFirst else {
            return Array(repeating: .normal, count: layout.geometry.pieceCount)
        }
        var priorities = Array(repeating: PiecePriority.skip, count: layout.geometry.pieceCount)
        for file in 0..<layout.fileCount where !layout.isPad(file) {
            let priority: PiecePriority =
                switch self.files[file] ?? .normal {
                case .skip: .skip
                case .normal: .low
                case .high: .normal
                case .highest: .high
                }
            guard priority != .skip else { continue }
            let pieces = layout.pieces(ofFile: file)
            for piece in pieces { priorities[piece] = max(priorities[piece], priority) }
            guard self.wantsEndsFirst, let first = pieces.first, let last = pieces.last else { continue }
            priorities[first] = .high
            priorities[last] = .high
        }
        return priorities
    }
}
