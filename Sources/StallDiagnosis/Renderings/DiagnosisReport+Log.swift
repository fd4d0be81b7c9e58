import SwarmTypes

/// What `-v` logs every 30 seconds: four flags, bitfield, pipeline and last activity of each peer, then the
/// statistics of pipeline and peers.
extension DiagnosisReport {
    /// - Parameter peers: that are shown one by one, those that need attention first.
    public func logBlock(peers limit: Int = 20) -> [String] {
        let torrent = self.torrent
        var lines = ["=== PEER DIAGNOSTICS: \(visibleText(torrent.name, limit: 80)) ==="]
        lines.append("Verdict: \(self.verdict.headline) [\(self.verdict.code.code)]")
        let connected = Array(zip(torrent.peers, self.findings))
        var blocks: [[String]] = []
        if connected.isEmpty { lines.append("No peer is connected") }
        let shown = max(0, limit)
        for severity in Severity.allCases.reversed() {
            for (peer, finding) in connected where finding.severity == severity && blocks.count < shown {
                blocks.append(peer.logLines(finding, in: torrent))
            }
        }
        lines += blocks.joined()
        let hidden = connected.count - blocks.count
        if hidden > 0 { lines.append("and \(hidden) more") }
        let reasons = self.verdict.contributors.map { "\($0.count) \($0.reason.code)" }
        if !reasons.isEmpty { lines.append("Reasons: " + reasons.joined(separator: ", ")) }
        return lines + self.statistics + ["=== END PEER DIAGNOSTICS ==="]
    }

    private var statistics: [String] {
        let (pieces, traffic) = (self.torrent.pieces, self.torrent.traffic)
        let peers = self.torrent.peers
        let active = peers.count { $0.downRate > .zero || $0.upRate > .zero }
        let pending = peers.reduce(0) { $0 &+ $1.outstandingRequests }
        return [
            "Progress: \(pieces.have)/\(pieces.total) pieces (\(spelledShare(pieces.have, of: pieces.total)))",
            "Pipeline: \(traffic.requestsSent) requests sent, \(traffic.blocksReceived) blocks received, "
                + "\(traffic.requestsTimedOut) timeouts, deepest: \(traffic.deepestPipeline)",
            "Peers: \(peers.count) connected, \(active) active, \(pending) pending requests",
            "Attempts: \(self.torrent.ledger.attempts) made, \(self.torrent.ledger.handshakes) handshakes, "
                + "\(self.torrent.ledger.incoming) incoming",
        ]
    }
}

extension PeerSnapshot {
    /// Six lines.
    fileprivate func logLines(_ finding: PeerFinding, in torrent: TorrentSnapshot) -> [String] {
        let client = self.clientName.isEmpty ? "" : " (\(visibleText(self.clientName, limit: 60)))"
        let why = finding.evidence.map(\.phrase).joined(separator: "; ")
        let bitfield =
            self.hasBitfield
            ? "has \(self.pieceCount) pieces, \(self.neededPieceCount) that we need" : "none received"
        return [
            "Peer \(self.address)\(client): \(finding.reason.code)\(why.isEmpty ? "" : ", " + why)",
            "  State: they_choke=\(self.theyChoke.isSet), we_interested=\(self.weInterested.isSet), "
                + "we_choke=\(self.weChoke.isSet), they_interested=\(self.theyInterested.isSet)",
            "  Bitfield: \(bitfield)",
            "  Pipeline: \(self.outstandingRequests) of \(self.targetDepth) requests pending",
            "  Can download: \(self.canDownload)",
            "  Last activity: \(oneDecimal(self.lastActivity.age(at: torrent.now))) s ago",
        ]
    }
}
