import StallDiagnosis
import SwarmTypes

/// Seconds after the torrent of these tests began to run.
func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

let now = instant(1000)

/// Of the documentation's range, with a port.
func address(_ number: UInt32) -> PeerAddress { PeerAddress(ipv4: 0xC000_0200 &+ number, port: 6881) }

func address6(_ number: UInt64) -> PeerAddress {
    PeerAddress(high: 0x2001_0DB8 << 32, low: number, port: 6881)
}

let exampleID: TorrentID = {
    guard let id = TorrentID(bytes: [UInt8](repeating: 0xAB, count: 20)) else {
        preconditionFailure("these are 20 bytes")
    }
    return id
}()

/// A torrent of 100 pieces, ten of them here, a thousand seconds old, without peers and trackers.
func torrent(
    _ state: TorrentState = .downloading, _ change: (inout TorrentSnapshot) -> Void = { _ in }
) -> TorrentSnapshot {
    var torrent = TorrentSnapshot(
        id: exampleID, name: "example", state: state, since: instant(0), now: now)
    torrent.pieces.total = 100
    torrent.pieces.have = state == .seeding ? 100 : 10
    torrent.pieces.missing = state == .seeding ? 0 : 90
    change(&torrent)
    return torrent
}

/// An established peer that has every piece, has chosen nothing yet, connected for `age` seconds.
func peer(
    _ number: UInt32 = 1, age: Double = 100, _ change: (inout PeerSnapshot) -> Void = { _ in }
) -> PeerSnapshot {
    var peer = PeerSnapshot(
        address: address(number), source: .tracker, direction: .outgoing, stage: .bitfield,
        since: now.advanced(bySeconds: -age))
    peer.hasBitfield = true
    peer.pieceCount = 100
    peer.neededPieceCount = 90
    peer.weInterested = TimedFlag(true, since: now.advanced(bySeconds: -age))
    change(&peer)
    return peer
}

/// The same, and it has unchoked us.
func openPeer(
    _ number: UInt32 = 1, age: Double = 100, _ change: (inout PeerSnapshot) -> Void = { _ in }
) -> PeerSnapshot {
    peer(number, age: age) { peer in
        peer.theyChoke = TimedFlag(false, since: now.advanced(bySeconds: -age))
        peer.timesUnchokedUs = 1
        peer.targetDepth = 8
        change(&peer)
    }
}

/// A leech that we have unchoked and that wants data.
func leech(
    _ number: UInt32 = 1, age: Double = 100, _ change: (inout PeerSnapshot) -> Void = { _ in }
) -> PeerSnapshot {
    peer(number, age: age) { peer in
        peer.pieceCount = 5
        peer.neededPieceCount = 0
        peer.theyInterested = TimedFlag(true, since: now.advanced(bySeconds: -age))
        peer.weChoke = TimedFlag(false, since: now.advanced(bySeconds: -age))
        change(&peer)
    }
}

func tracker(
    _ state: TrackerState, words: String = "", _ change: (inout TrackerSnapshot) -> Void = { _ in }
) -> TrackerSnapshot {
    var tracker = TrackerSnapshot(url: "https://tracker.example/announce", state: state)
    tracker.words = words
    change(&tracker)
    return tracker
}

/// A ledger in which each of `reasons` ended one outgoing attempt.
func ledger(
    _ reasons: CloseReason..., reached stage: PeerStage? = nil, retryIn seconds: Double? = nil
) -> PeerLedger {
    var ledger = PeerLedger()
    for (number, reason) in reasons.enumerated() {
        let peer = address(100 + UInt32(number))
        ledger.noted(peer, source: .tracker, at: instant(900))
        ledger.dialling(peer, at: instant(910))
        if let stage {
            ledger.connected(peer, direction: .outgoing, at: instant(911))
            ledger.reached(stage, by: peer, at: instant(912))
        }
        ledger.closed(
            peer, reason, at: instant(920), retryAt: seconds.map { now.advanced(bySeconds: $0) })
    }
    return ledger
}
