import EventIO
import PeerPolicy
import SwarmCore
public import SwarmTypes
public import TorrentStorage
import TrackerProtocol

/// All that a list shows of a torrent that is in the engine, at one instant.
public struct TorrentFacts: Hashable, Sendable {
    public enum Stage: Hashable, Sendable {
        case fetchingMetadata
        case checking(piecesDone: Int)
        case downloading
        case seeding
        case ending
        /// It ended by itself; the words say of what.
        case failed(String)
    }

    public var stage: Stage
    /// The disk refused; nil when something else did, or nothing.
    public var filesAreMissing = false
    /// Whether the torrent's files are known.
    public var hasMetadata = false
    public var isPrivate = false
    public var piecesHad = 0
    /// Of the whole torrent, proved to be right.
    public var done: Int64 = 0
    /// Nothing that is wanted is missing.
    public var isFinished = false
    // Since it was started.
    public var downloaded: Int64 = 0
    public var uploaded: Int64 = 0
    public var wasted: Int64 = 0
    public var downRate = ByteRate.zero
    public var upRate = ByteRate.zero
    public var seeds = 0
    public var leechers = 0
    public var availability: Double?
    public var lastPayloadAt: Instant?
    /// The tracker that works, or that was asked last; nil before any was.
    public var tracker: String?
    public var trackerWorks = false
    public var swarmSeeds: Int?
    public var swarmLeechers: Int?
    public var nextAnnounceAt: Instant?

    init(_ stage: Stage) { self.stage = stage }
}

/// What a torrent left behind when it ended.
public struct EndedTorrent: Sendable {
    public var id: TorrentID
    // Since it was started.
    public var downloaded: Int64
    public var uploaded: Int64
    /// What is on disk; nil when that is not known.
    public var pieces: SavedPieces?
    public var filesAreRemoved = false
    /// Why its files could not be closed or removed as asked.
    public var failure: String?
}

extension TorrentEngine {
    /// Torrents for which something moves: peers, a check, a download. The others change by events only.
    public var movingTorrents: [TorrentID] {
        self.torrents.values.filter { $0.isMoving }.map { $0.core.id }
    }

    /// Nil when the engine does not have the torrent.
    public func facts(of id: TorrentID) -> TorrentFacts? {
        self.torrents[id].map { self.facts(of: $0, at: self.loop.now) }
            ?? self.dormant.table[id].map { self.facts(of: $0) }
    }

    /// Of one that sleeps: complete, and without peers.
    private func facts(of row: DormantTorrent) -> TorrentFacts {
        let failure = self.dormant.failures[row.id]
        var facts = TorrentFacts(failure.map { .failed($0) } ?? .seeding)
        facts.hasMetadata = true
        facts.isPrivate = row.isPrivate
        facts.piecesHad = Int(row.pieceCount)
        facts.done = row.totalLength
        facts.isFinished = true
        facts.downloaded = row.totals.downloaded
        facts.uploaded = row.totals.uploaded
        facts.wasted = row.totals.corrupt + row.totals.redundant
        facts.lastPayloadAt = row.lastUploadAt
        facts.takeTrackers(row.schedule.statuses)
        return facts
    }

    private func facts(of torrent: ActiveTorrent, at now: Instant) -> TorrentFacts {
        var facts = TorrentFacts(torrent.stage)
        let core = torrent.core
        facts.filesAreMissing = torrent.store?.failure?.reason == .missing
        facts.hasMetadata = torrent.metainfo != nil
        facts.isPrivate = core.isPrivate
        facts.piecesHad = core.have.setCount
        if let geometry = core.geometry { facts.done = geometry.totalLength - core.left }
        facts.isFinished = core.isFinished
        facts.downloaded = core.downloaded
        facts.uploaded = core.uploaded
        facts.wasted = core.corrupt + core.redundant
        let rates = torrent.core.rates(at: now)
        facts.downRate = rates.down
        facts.upRate = rates.up
        facts.seeds = core.seedCount
        facts.leechers = core.peerCount - facts.seeds
        facts.availability = core.peerCount > 0 ? core.distributedCopies : nil
        facts.lastPayloadAt = [core.lastBlockAt, core.lastUploadAt].compactMap { $0 }.max()
        facts.takeTrackers(torrent.schedule.statuses)
        return facts
    }
}

extension TorrentFacts {
    mutating func takeTrackers(_ statuses: [TrackerStatus]) {
        let working = statuses.first { $0.state == .working || $0.hasAnswered && $0.failure == nil }
        let tried =
            working
            ?? statuses.filter { $0.lastAnnounce != nil }.max { left, right in
                (left.lastAnnounce ?? .distantPast) < (right.lastAnnounce ?? .distantPast)
            }
        self.tracker = tried?.url
        self.trackerWorks = working != nil
        self.swarmSeeds = statuses.compactMap { $0.counts.seeds.map { Int($0) } }.max()
        self.swarmLeechers = statuses.compactMap { $0.counts.leeches.map { Int($0) } }.max()
        self.nextAnnounceAt = statuses.compactMap(\.nextAnnounce).min()
    }
}

extension Instant {
    fileprivate static let distantPast = Instant(nanoseconds: .min)
}

extension ActiveTorrent {
    var stage: TorrentFacts.Stage {
        switch self.state {
        case .fetchingMetadata: .fetchingMetadata
        case .checking(let done): .checking(piecesDone: done)
        case .running: self.core.isFinished ? .seeding : .downloading
        case .stopping: .ending
        case .failed(let words): .failed(words)
        }
    }

    fileprivate var isMoving: Bool {
        switch self.state {
        case .fetchingMetadata, .checking: true
        case .running: !self.core.isFinished || self.core.peerCount > 0
        case .stopping, .failed: false
        }
    }
}
