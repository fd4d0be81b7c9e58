import EventIO
import MetainfoCoding
public import StallDiagnosis
public import SwarmTypes
public import TorrentCatalog
import TorrentEngine
import TorrentStorage
import TrackerProtocol

/// What is asked of one torrent.
extension TorrentLibrary: TorrentDirecting {
    private func known(_ id: TorrentID) throws(CatalogFailure) -> LibraryTorrent {
        guard let torrent = self.torrents[id] else { throw .noSuchTorrent }
        return torrent
    }

    public func files(of id: TorrentID) async throws(CatalogFailure) -> [FileLine] {
        let torrent = try self.known(id)
        guard let metainfo = try await self.description(of: torrent) else { return [] }
        var facts: [Int: FileFacts] = [:]
        for file in self.ask({ $0.fileFacts(of: id) }) { facts[file.number] = file }
        let pieceLength = Int64(metainfo.geometry.pieceLength)
        let have = torrent.pieces?.bitfield(count: metainfo.geometry.pieceCount)
        return metainfo.files.enumerated().compactMap { number, file in
            guard !file.isPadding else { return nil }
            let last = max(file.offset, file.offset + file.length - 1)
            var line = FileLine(
                number: number, path: torrent.renamed[number] ?? file.path, size: file.length,
                priority: torrent.priorities[number] ?? .normal, firstPiece: Int(file.offset / pieceLength),
                lastPiece: Int(last / pieceLength))
            if let facts = facts[number] {
                line.done = facts.done
                line.availability = facts.availability
            } else if let have {
                line.done = have.bytes(from: file.offset, count: file.length, pieceLength)
            }
            return line
        }
    }

    public func trackers(of id: TorrentID) async throws(CatalogFailure) -> [TrackerLine] {
        let torrent = try self.known(id)
        let statuses = self.ask { $0.trackerStatuses(of: id) }
        guard statuses.isEmpty else { return statuses.map { self.line(of: $0) } }
        let tiers = torrent.trackers ?? torrent.saved.tiers
        return tiers.enumerated().flatMap { tier, urls in
            urls.map { TrackerLine(url: $0, tier: tier, state: .notContacted) }
        }
    }

    private func line(of status: TrackerStatus) -> TrackerLine {
        let (state, words) = status.shown
        var line = TrackerLine(url: status.url, tier: status.tier, state: state, words: words)
        line.seeds = status.counts.seeds.map { Int($0) }
        line.leechers = status.counts.leeches.map { Int($0) }
        line.downloads = status.counts.completions.map { Int($0) }
        line.peersGiven = status.peersReceived
        line.failures = status.failureCount
        line.nextAnnounceAt = status.nextAnnounce.map { self.wallTime(of: $0) }
        line.lastAnnounceAt = status.lastAnnounce.map { self.wallTime(of: $0) }
        return line
    }

    public func peers(of id: TorrentID) async throws(CatalogFailure) -> [PeerLine] {
        let torrent = try self.known(id)
        guard let snapshot = self.ask({ $0.snapshot(of: id) }) else { return [] }
        let total = self.line(of: torrent.id)?.pieceCount ?? 0
        return snapshot.peers.map { PeerLine($0, in: snapshot, pieceCount: total) }
    }

    public func pieces(of id: TorrentID) async throws(CatalogFailure) -> [PieceStatus] {
        let torrent = try self.known(id)
        let states = self.ask { $0.pieceStates(of: id) }
        guard states.isEmpty else { return states.map { PieceStatus(rawValue: $0) ?? .missing } }
        let count = self.line(of: id)?.pieceCount ?? 0
        let have = torrent.pieces?.bitfield(count: count) ?? Bitfield(count: count)
        return (0..<have.count).map { have[$0] ? .had : .missing }
    }

    public func pieceHashes(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] {
        let torrent = try self.known(id)
        return try await self.description(of: torrent)?.v1Hashes.map { Array($0) } ?? []
    }

    public func metainfo(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] {
        let torrent = try self.known(id)
        guard let metainfo = try await self.description(of: torrent) else {
            throw .conflict("the torrent's description has not come from peers yet")
        }
        return metainfo.torrentFile
    }

    public func webSeeds(of id: TorrentID) async throws(CatalogFailure) -> [String] {
        let torrent = try self.known(id)
        return try await self.description(of: torrent)?.announcement.webSeeds ?? []
    }

    public func snapshot(of id: TorrentID) async throws(CatalogFailure) -> TorrentSnapshot {
        let torrent = try self.known(id)
        guard let snapshot = self.snapshotNow(of: torrent) else { throw .noSuchTorrent }
        return snapshot
    }

    func snapshotNow(of torrent: LibraryTorrent) -> TorrentSnapshot? {
        let id = torrent.id
        if torrent.phase == .running, let snapshot = self.ask({ $0.snapshot(of: id) }) { return snapshot }
        let state: TorrentState =
            torrent.failure.map { .failed($0) }
            ?? (torrent.isQueued
                ? .queued(place: self.queue.firstIndex(of: id).map { $0 + 1 } ?? 1) : .paused)
        let now = self.loop.now
        var snapshot = TorrentSnapshot(
            id: id, name: self.line(of: id)?.name ?? "", state: state, since: now, now: now)
        snapshot.pieces.total = self.line(of: id)?.pieceCount ?? 0
        snapshot.pieces.have = self.line(of: id)?.piecesHad ?? 0
        if torrent.filesAreMissing { snapshot.disk = .filesMissing }
        return snapshot
    }

    public func timeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening] {
        _ = try self.known(id)
        try await self.saved()
        return try await self.recordedTimeline(of: id)
    }
}

extension Bitfield {
    /// How many of these bytes lie in pieces that are set.
    func bytes(from offset: Int64, count: Int64, _ pieceLength: Int64) -> Int64 {
        guard count > 0, pieceLength > 0 else { return 0 }
        var bytes: Int64 = 0
        let last = min((offset + count - 1) / pieceLength, Int64(self.count) - 1)
        for piece in stride(from: offset / pieceLength, through: last, by: 1) where self[Int(piece)] {
            bytes +=
                min(offset + count, (piece + 1) * pieceLength) - max(offset, piece * pieceLength)
        }
        return bytes
    }
}

extension TrackerStatus {
    var shown: (TrackerLine.State, String) {
        let words = self.failure?.words ?? self.warning?.verbatim ?? ""
        return switch self.state {
        case .idle: (.notContacted, words)
        case .announcing: (.announcing, words)
        case .working: (.working, words)
        case .failed, .givenUp: (.failing, words)
        }
    }
}

extension AnnounceFailure {
    fileprivate var words: String {
        switch self {
        case .refused(let text, _): text.verbatim
        case .unreachable(let text): "not reachable: \(text)"
        case .timedOut: "no answer in time"
        case .httpStatus(let code): "HTTP status \(code)"
        case .badAnswer(let text): "not a tracker's answer: \(text)"
        case .notAllowed(let text): text
        case .cancelled: ""
        }
    }
}

extension PeerLine {
    init(_ peer: PeerSnapshot, in torrent: TorrentSnapshot, pieceCount: Int) {
        self.init(address: peer.address, source: peer.source, direction: peer.direction)
        self.client = peer.clientName
        self.isConnected = peer.isEstablished
        self.isSeed = pieceCount > 0 && peer.pieceCount == pieceCount
        self.isEncrypted = peer.transport == .encrypted
        if pieceCount > 0 { self.progress = Double(peer.pieceCount) / Double(pieceCount) }
        if peer.pieceCount > 0 { self.relevance = Double(peer.neededPieceCount) / Double(peer.pieceCount) }
        self.upRate = peer.upRate
        self.downRate = peer.downRate
        self.uploaded = peer.bytesUp
        self.downloaded = peer.bytesDown
        self.amInterested = peer.weInterested.isSet
        self.isChokingUs = peer.theyChoke.isSet
        self.isInterested = peer.theyInterested.isSet
        self.amChoking = peer.weChoke.isSet
        self.isSnubbed = peer.isSnubbed
        self.receiving = diagnoseReceiving(from: peer, in: torrent)
        self.sending = diagnoseSending(to: peer, in: torrent)
    }
}
