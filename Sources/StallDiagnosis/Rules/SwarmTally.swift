import SwarmTypes

/// All peers of a torrent by their reason: the histogram that the rules read.
struct SwarmTally {
    private(set) var contributors: [Contributor] = []
    /// Places in the snapshot's peers whose handshake is complete.
    private(set) var established: [Int] = []
    /// Connections that are being opened, and those of them that were never tried before.
    private(set) var opening = 0
    private(set) var firstAttempts = 0
    /// In the ledger, never tried.
    private(set) var untried = 0
    private(set) var unusable = 0
    /// Ended for a reason that says something about reaching peers.
    private(set) var failed = 0
    private(set) var failures: [PeerReason: Int] = [:]
    private(set) var ownAddresses = 0
    private(set) var seedsThatLeft = 0

    init(_ torrent: TorrentSnapshot) {
        var groups: [PeerReason: (count: Int, severity: Severity, example: PeerAddress)] = [:]
        func add(_ found: Classified, _ address: PeerAddress) {
            let old = groups[found.reason]
            groups[found.reason] = (
                (old?.count ?? 0) + 1, max(old?.severity ?? .expected, found.severity),
                old?.example ?? address
            )
        }

        var connected: Set<PeerAddress> = []
        for (place, peer) in torrent.peers.enumerated() {
            connected.insert(peer.address)
            if peer.isEstablished { self.established.append(place) }
            add(torrent.classify(peer), peer.address)
        }
        // A dial that only found a peer which had come to us meanwhile is no test of reaching it.
        let hasOutgoing = torrent.ledger.entries.contains {
            $0.direction == .outgoing && $0.lastReason != nil && $0.lastReason != .duplicateConnection
        }
        for peer in torrent.peers where !peer.isEstablished {
            self.countOpening(torrent.ledger[peer.address], in: torrent, hasOutgoing)
        }
        for entry in torrent.ledger.entries where !connected.contains(entry.address) {
            let found = torrent.classify(entry)
            add(found, entry.address)
            if found.reason == .ownConnection {
                // Its other end came to us from an address that nobody named.
                if entry.direction != .incoming { self.ownAddresses += 1 }
            } else if entry.outcome == .open {
                self.countOpening(entry, in: torrent, hasOutgoing)
            } else {
                // Who came to us and failed tells nothing about whom we can reach.
                self.count(found.reason, isTelling: entry.direction == .outgoing || !hasOutgoing)
            }
        }
        self.contributors = groups.map { reason, group in
            Contributor(reason: reason, count: group.count, severity: group.severity, example: group.example)
        }.sorted { ($1.count, $0.reason.code) < ($0.count, $1.reason.code) }
    }

    /// A peer that failed before still fails while it is tried again.
    private mutating func countOpening(
        _ entry: PeerLedgerEntry?, in torrent: TorrentSnapshot, _ hasOutgoing: Bool
    ) {
        self.opening += 1
        guard let entry, let past = entry.lastReason else {
            self.firstAttempts += 1
            return
        }
        let reason = torrent.classifyEnd(past, of: entry).reason
        self.count(reason, isTelling: entry.direction == .outgoing || !hasOutgoing)
    }

    private mutating func count(_ reason: PeerReason, isTelling: Bool) {
        switch reason {
        case .queued: self.untried += 1
        case .noAddressUsable: self.unusable += 1
        case .ownConnection: break
        case .bothSeeds: self.seedsThatLeft += 1
        // Ends of our own making say nothing of the peer.
        case .duplicate, .noPlace, .notUseful, .weStopped, .notInTorrent: break
        default:
            guard isTelling else { return }
            self.failed += 1
            self.failures[reason, default: 0] += 1
        }
    }

    /// The reason that nearly all failures share.
    var dominantFailure: PeerReason? {
        guard
            let (reason, count) = self.failures.max(by: { ($0.value, $1.key.code) < ($1.value, $0.key.code) }
            ),
            Double(count) >= DiagnosisBounds.dominantShare * Double(self.failed)
        else { return nil }
        return reason
    }

    /// Of all peers with one of these reasons.
    func count(_ reasons: PeerReason...) -> Int {
        self.contributors.reduce(0) { reasons.contains($1.reason) ? $0 + $1.count : $0 }
    }

    func failureCount(_ reasons: PeerReason...) -> Int {
        reasons.reduce(0) { $0 + (self.failures[$1] ?? 0) }
    }
}
