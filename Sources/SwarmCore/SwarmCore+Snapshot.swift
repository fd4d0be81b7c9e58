import PeerProtocol
import PieceSelection
import RateControl
public import StallDiagnosis
public import SwarmTypes

/// What diagnosis and displays look at.
extension SwarmCore {
    /// A connected peer at one instant. Waits for limits, disk and socket are the driver's to add.
    public mutating func snapshot(of slot: PeerSlot, source: PeerSource, at now: Instant) -> PeerSnapshot? {
        guard slot.index < self.peers.count, let peer = self.peers[slot.index] else { return nil }
        var snapshot = PeerSnapshot(
            address: peer.facts.address, source: source, direction: peer.facts.direction,
            stage: Self.stage(of: peer),
            since: peer.joinedAt)
        snapshot.transport = peer.facts.isEncrypted ? .encrypted : .tcp
        snapshot.clientName = peer.extensions.clientName ?? ClientName(peer.facts.id)?.description ?? ""
        snapshot.weChoke = peer.weChoke.timed
        snapshot.theyChoke = peer.theyChoke.timed
        snapshot.weInterested = peer.weAreInterested.timed
        snapshot.theyInterested = peer.theyAreInterested.timed
        snapshot.hasBitfield = peer.claim != .unsaid
        snapshot.pieceCount = peer.has.setCount
        snapshot.neededPieceCount = self.neededPieces(of: peer)
        snapshot.isUploadOnly = peer.isUploadOnly
        snapshot.metadata = self.metadataOffer(of: peer)
        snapshot.timesUnchokedUs = peer.unchokeCount
        snapshot.outstandingRequests = peer.outstanding.count
        snapshot.oldestRequest = peer.outstanding.oldest?.sentAt
        snapshot.targetDepth = peer.pipeline.depth
        snapshot.isSnubbed = peer.pipeline.isSnubbed
        snapshot.rejects = peer.rejectCount
        snapshot.timeouts = peer.timeoutCount
        snapshot.downRate = self.peers[slot.index]?.downloadMeter.smoothed(at: now) ?? .zero
        snapshot.bytesDown = peer.downloaded
        snapshot.lastReceived = peer.lastBlockAt
        snapshot.uploadQueue = peer.wanted.count
        snapshot.upRate = self.peers[slot.index]?.uploadMeter.smoothed(at: now) ?? .zero
        snapshot.bytesUp = peer.uploaded
        snapshot.lastSent = peer.lastUploadAt
        snapshot.lastRequestFromIt = peer.lastRequestAt
        snapshot.lastActivity = max(peer.lastReceivedAt, peer.lastSentAt)
        return snapshot
    }

    /// How far it has come with a peer, for the ledger: cheaper than a snapshot.
    public func standing(of slot: PeerSlot) -> PeerStanding? {
        guard slot.index < self.peers.count, let peer = self.peers[slot.index] else { return nil }
        return PeerStanding(
            stage: Self.stage(of: peer), unchokes: peer.unchokeCount, downloaded: peer.downloaded,
            uploaded: peer.uploaded)
    }

    private static func stage(of peer: SwarmPeer) -> PeerStage {
        if peer.downloaded > 0 || peer.uploaded > 0 { return .transferring }
        if peer.unchokeCount > 0 { return .unchoked }
        if peer.weAreInterested.isSet { return .interested }
        return peer.claim == .unsaid ? .handshaken : .bitfield
    }

    private func neededPieces(of peer: SwarmPeer) -> Int {
        guard peer.claim == .counted, self.picker != nil else { return 0 }
        return peer.has.setCount - peer.has.commonCount(with: self.have)
    }

    private func metadataOffer(of peer: SwarmPeer) -> MetadataOffer {
        guard self.geometry == nil else { return .none }
        guard peer.facts.supportsExtensions else { return .none }
        guard peer.extensions != ExtensionHandshake() else { return .unknown }
        guard peer.extensions.number(of: .metadata) != nil else { return .none }
        if peer.hasRejectedMetadata { return .rejected }
        return peer.metadataAskedAt.map { .requested(at: $0) } ?? .offered
    }

    /// The torrent's pieces, for diagnosis.
    public var pieceCounts: PieceCounts {
        var counts = PieceCounts()
        guard let geometry = self.geometry else { return counts }
        counts.total = geometry.pieceCount
        counts.have = self.have.setCount
        guard let picker = self.picker else { return counts }
        let availability = picker.currentAvailability()
        counts.missing = picker.missingCount
        counts.missingWithNobody = availability.unavailableCount
        counts.examplesWithNobody = availability.unavailable
        counts.missingWithOnePeer = availability.singleCount
        counts.onlyHolder = availability.onlyHolder.flatMap { self.peers[$0.index]?.facts.address }
        counts.isEverythingRequested = picker.isEverythingRequested
        return counts
    }

    /// Of all connected peers, payload only.
    public mutating func rates(at now: Instant) -> (down: ByteRate, up: ByteRate) {
        var (down, up): (Int64, Int64) = (0, 0)
        for slot in self.occupiedSlots {
            down += self.peers[slot.index]?.downloadMeter.smoothed(at: now).bytesPerSecond ?? 0
            up += self.peers[slot.index]?.uploadMeter.smoothed(at: now).bytesPerSecond ?? 0
        }
        return (ByteRate(bytesPerSecond: down), ByteRate(bytesPerSecond: up))
    }

    /// Peers that are unchoked, and how many may be.
    public var uploadSlots: (used: Int, of: Int) {
        (self.peers.count { $0?.weChoke.isSet == false }, self.unchokedSlots)
    }

    /// Connected peers that have everything.
    public var seedCount: Int { self.peers.count { $0?.isSeed == true } }
}

extension Flag {
    var timed: TimedFlag { TimedFlag(self.isSet, since: self.since) }
}

/// What a connection has come to.
public struct PeerStanding: Hashable, Sendable {
    public var stage: PeerStage
    /// How often the peer has unchoked us.
    public var unchokes: Int
    /// Payload, in bytes.
    public var downloaded: Int64
    public var uploaded: Int64
}
