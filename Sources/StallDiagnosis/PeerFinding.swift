public import SwarmTypes

/// Why nothing moves between us and one peer, with what shows it.
public struct PeerFinding: Hashable, Sendable {
    public let address: PeerAddress
    public let reason: PeerReason
    public let severity: Severity
    public let evidence: [Fact]
    public let remedy: String?

    /// "192.0.2.1:6881: choked for 45 s; never unchoked us".
    public var line: String {
        let facts = self.evidence.map(\.phrase).joined(separator: "; ")
        return "\(self.address): \(facts.isEmpty ? self.reason.meaning : facts)"
    }
}

/// The one reason of a connected peer, by the side that matters: while we seed what goes to it, else what
/// comes from it.
public func diagnose(peer: PeerSnapshot, in torrent: TorrentSnapshot) -> PeerFinding {
    torrent.finding(torrent.classify(peer), of: peer)
}

/// Why it sends us nothing, also while we seed.
public func diagnoseReceiving(from peer: PeerSnapshot, in torrent: TorrentSnapshot) -> PeerFinding {
    torrent.finding(
        peer.isEstablished ? torrent.classifyReceiving(from: peer) : torrent.classify(peer), of: peer)
}

/// Why we send it nothing, also while we download.
public func diagnoseSending(to peer: PeerSnapshot, in torrent: TorrentSnapshot) -> PeerFinding {
    torrent.finding(peer.isEstablished ? torrent.classifySending(to: peer) : torrent.classify(peer), of: peer)
}

/// The one reason of a peer that is not connected.
public func diagnose(entry: PeerLedgerEntry, in torrent: TorrentSnapshot) -> PeerFinding {
    let found = torrent.classify(entry)
    return PeerFinding(
        address: entry.address, reason: found.reason, severity: found.severity,
        evidence: torrent.evidence(for: found.reason, of: entry), remedy: found.reason.remedy)
}

extension TorrentSnapshot {
    fileprivate func finding(_ found: Classified, of peer: PeerSnapshot) -> PeerFinding {
        PeerFinding(
            address: peer.address, reason: found.reason, severity: found.severity,
            evidence: self.evidence(for: found.reason, of: peer), remedy: found.reason.remedy)
    }
}
