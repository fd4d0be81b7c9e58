import EventIO
import RateControl
public import SwarmTypes

/// Caps of trackers: in each direction a node between the root and the torrents that name it.
///
/// A cap is known by its name from the moment when it is set or a torrent names it, and has no limit until one is set. So
/// caps may be set before their torrents come, change while they run, and go while they stay.
extension TorrentEngine {
    /// Sets caps, or changes those of the same name; others stay. Meant to be called as often as somebody likes: it touches
    /// neither torrents nor peers.
    public func setCaps(_ caps: [TrackerCap]) {
        self.now = self.loop.now
        for cap in caps {
            let nodes = self.nodes(forCap: cap.name)
            self.trackerNodes[cap.name]?.isSet = true
            self.uploads.setLimit(cap.upload, of: nodes.upload, at: self.now)
            self.downloads.setLimit(cap.download, of: nodes.download, at: self.now)
            let weight = min(max(1, cap.weight), 1000)
            guard nodes.weight != weight else { continue }
            self.trackerNodes[cap.name]?.weight = weight
            self.uploads.setWeight(weight, of: nodes.upload)
            self.downloads.setWeight(weight, of: nodes.download)
        }
        self.armLimits()
    }

    /// Torrents that name one of these are without a cap from now on, until it is set again.
    public func removeCaps(_ names: [String]) {
        self.setCaps(names.filter { self.trackerNodes[$0] != nil }.map { TrackerCap(name: $0) })
        for name in names {
            self.trackerNodes[name]?.isSet = false
            self.endIfUnused(name)
        }
    }

    /// Puts a torrent, with its peers, below the cap of that name, or below none. Answers false when there is no such torrent.
    @discardableResult
    public func setCap(_ name: String?, of id: TorrentID) -> Bool {
        guard let torrent = self.torrents[id] else { return self.changeDormant(id) { $0.cap = name } }
        guard torrent.options.cap != name else { return true }
        self.now = self.loop.now
        // The old cap has granted it, and no other can take it back.
        for connection in torrent.allConnections { self.returnUploadCredit(connection) }
        let nodes = name.map { self.joinCap($0) }
        self.uploads.move(torrent.uploadNode, below: nodes?.upload ?? self.uploads.root, at: self.now)
        self.downloads.move(torrent.downloadNode, below: nodes?.download ?? self.downloads.root, at: self.now)
        if let old = torrent.options.cap { self.leaveCap(old) }
        torrent.options.cap = name
        // Who waited below the old cap asks the new one.
        for connection in torrent.allConnections where self.isOpen(connection) { self.pump(connection) }
        self.armLimits()
        return true
    }

    /// Sets the torrent's own limit. Answers false when there is no such torrent.
    @discardableResult
    public func setUploadLimit(_ limit: UploadLimit, of id: TorrentID) -> Bool {
        guard let torrent = self.torrents[id] else {
            return self.changeDormant(id) { $0.uploadLimit = limit }
        }
        self.now = self.loop.now
        torrent.options.uploadLimit = limit
        self.uploads.setLimit(limit, of: torrent.uploadNode, at: self.now)
        self.armLimits()
        return true
    }

    @discardableResult
    public func setDownloadLimit(_ limit: UploadLimit, of id: TorrentID) -> Bool {
        guard let torrent = self.torrents[id] else {
            return self.changeDormant(id) { $0.downloadLimit = limit }
        }
        self.now = self.loop.now
        torrent.options.downloadLimit = limit
        self.downloads.setLimit(limit, of: torrent.downloadNode, at: self.now)
        self.armLimits()
        return true
    }

    /// What each cap is used for, by name. Costs the caps only, however many torrents there are.
    public var capUsages: [CapUsage] {
        self.observeCaps()
        return self.trackerNodes.keys.sorted().compactMap { self.usage(ofCap: $0) }
    }

    public func capUsage(_ name: String) -> CapUsage? {
        self.observeCaps()
        return self.usage(ofCap: name)
    }

    private func usage(ofCap name: String) -> CapUsage? {
        guard let nodes = self.trackerNodes[name] else { return nil }
        var cap = TrackerCap(name: name, upload: self.uploads.limit(of: nodes.upload))
        cap.download = self.downloads.limit(of: nodes.download)
        cap.weight = nodes.weight
        return CapUsage(
            cap: cap, torrents: nodes.torrentCount,
            uploaded: self.uploads.charged(to: nodes.upload),
            downloaded: self.downloads.charged(to: nodes.download),
            uploadRate: nodes.uploadMeter.rate, downloadRate: nodes.downloadMeter.rate,
            peersWaiting: self.uploads.waitingCount(below: nodes.upload))
    }

    /// All that was granted in each direction, and how fast.
    var allRates: (down: ByteRate, up: ByteRate) {
        self.observeCaps()
        return (self.downloadMeter.rate, self.uploadMeter.rate)
    }

    /// Brings the rates up to date: once a second, and when somebody asks.
    func observeCaps() {
        self.now = self.loop.now
        // Whoever asks for all torrents asks once for each.
        guard self.now.seconds(since: self.capsObservedAt) >= CounterMeter.shortestSeconds else { return }
        self.capsObservedAt = self.now
        self.uploadMeter.observe(self.uploads.charged(to: self.uploads.root), at: self.now)
        self.downloadMeter.observe(self.downloads.charged(to: self.downloads.root), at: self.now)
        for index in self.trackerNodes.values.indices {
            let nodes = self.trackerNodes.values[index]
            self.trackerNodes.values[index].uploadMeter.observe(
                self.uploads.charged(to: nodes.upload), at: self.now)
            self.trackerNodes.values[index].downloadMeter.observe(
                self.downloads.charged(to: nodes.download), at: self.now)
        }
    }

    private func nodes(forCap name: String) -> TrackerNodes {
        if let nodes = self.trackerNodes[name] { return nodes }
        let nodes = TrackerNodes(
            upload: self.uploads.addNode(below: self.uploads.root, isCounted: true, at: self.now),
            download: self.downloads.addNode(below: self.downloads.root, isCounted: true, at: self.now),
            at: self.now)
        self.trackerNodes[name] = nodes
        return nodes
    }

    /// A torrent names the cap.
    func joinCap(_ name: String) -> TrackerNodes {
        let nodes = self.nodes(forCap: name)
        self.trackerNodes[name]?.torrentCount += 1
        return nodes
    }

    /// A torrent, whose nodes are elsewhere or gone already, names it no more.
    func leaveCap(_ name: String) {
        self.trackerNodes[name]?.torrentCount -= 1
        self.endIfUnused(name)
    }

    private func endIfUnused(_ name: String) {
        guard let nodes = self.trackerNodes[name], !nodes.isSet, nodes.torrentCount == 0 else { return }
        self.uploads.remove(nodes.upload)
        self.downloads.remove(nodes.download)
        self.trackerNodes[name] = nil
    }
}

/// A cap's nodes in the two trees.
struct TrackerNodes {
    let upload: NodeID
    let download: NodeID
    /// Somebody has set it, with or without a limit.
    var isSet = false
    var weight = 1
    /// Of torrents that name it.
    var torrentCount = 0
    var uploadMeter: CounterMeter
    var downloadMeter: CounterMeter

    init(upload: NodeID, download: NodeID, at now: Instant) {
        self.upload = upload
        self.download = download
        self.uploadMeter = CounterMeter(0, at: now)
        self.downloadMeter = CounterMeter(0, at: now)
    }
}

/// A tracker's own cap: in each direction one bucket that all its torrents share.
///
/// The upload limit is of payload, which is what trackers count: the data of blocks, without the 13 bytes before each, other
/// messages, and what TCP and IP add. The download limit is of all that connections bring after their handshake.
public struct TrackerCap: Hashable, Sendable {
    public var name: String
    public var upload: UploadLimit
    public var download = UploadLimit.unlimited
    /// From 1 to 1000: its share, among the other caps, of a global limit that is less than what all want.
    public var weight = 1

    public init(name: String, upload: UploadLimit = .unlimited) {
        self.name = name
        self.upload = upload
    }
}

/// A cap, and what was granted below it since it became known. What is granted is sent at once or given back.
public struct CapUsage: Hashable, Sendable {
    public var cap: TrackerCap
    /// Torrents that run and name it.
    public var torrents: Int
    public var uploaded: Int64
    public var downloaded: Int64
    /// Of the last seconds.
    public var uploadRate: ByteRate
    public var downloadRate: ByteRate
    /// That have asked for data, and wait for this or another limit.
    public var peersWaiting: Int
}
