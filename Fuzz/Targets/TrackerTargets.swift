import SwarmTypes
import TrackerProtocol

/// A tracker's answer over HTTP is refused with words, or keeps within its bounds, and what it says is safe to show. A
/// URL that is taken is taken again the same, and so is where it redirects to.
///
/// The first byte chooses what the rest is: a scrape's answer, a URL with a `Location` in the next line, or an announce's
/// answer.
let trackerHTTPTarget = FuzzTarget(name: "tracker-http") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    switch reader.byte() {
    case UInt8(ascii: "s"):
        if let answer = try readable({ () throws(AnnounceFailure) in
            try ScrapeAnswer(httpBody: reader.rest, for: [trackedTorrent])
        }) {
            try require(
                answer.counts.keys.allSatisfy { $0 == trackedTorrent }, "counts that nobody asked for")
        }
    case UInt8(ascii: "u"):
        let url = try TrackerURL(again: reader.line() ?? [])
        if let target = url?.redirected(to: String(decoding: reader.rest, as: UTF8.self)) {
            try require(target.scheme != .udp, "redirected to UDP")
            _ = try TrackerURL(again: Array(target.text.utf8)[...])
        }
    default:
        if let answer = try readable({ () throws(AnnounceFailure) in
            try AnnounceAnswer(httpBody: reader.rest)
        }) {
            try check(answer)
        }
    }
}

/// Whatever datagrams come, a transaction never takes one that is not the awaited answer, sends no more packets than its
/// timing allows, and ends.
///
/// The first byte chooses announce or scrape and the family. Then come steps: a byte that says whether time passes, a
/// datagram is taken as it is, or it gets the header of the awaited answer first, and a byte for its length.
let trackerUDPTarget = FuzzTarget(name: "tracker-udp") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    var random = CountingGenerator()
    let choice = reader.byte()
    var transaction = UDPTransaction(
        choice & 1 == 0 ? .announce(trackedAnnounce) : .scrape([trackedTorrent]), to: trackedURL,
        isIPv6: choice & 2 != 0,
        connection: choice & 4 == 0 ? nil : UDPConnection(id: 1, receivedAt: Instant(nanoseconds: 0)),
        timing: .prompt, using: &random)
    var now = Instant(nanoseconds: 0)
    var action = transaction.start(at: now, using: &random)
    var packets = 1
    while !reader.rest.isEmpty, transaction.nextDeadline != nil {
        let kind = reader.byte()
        if kind & 3 == 0 {
            now = transaction.nextDeadline ?? now
            action = transaction.timerFired(at: now, using: &random)
        } else {
            var datagram: [UInt8] = []
            let isAwaited = kind & 3 == 1
            if isAwaited {
                datagram = [0, 0, 0, kind >> 2 & 3]
                for shift in [24, 16, 8, 0] as [UInt32] {
                    datagram.append(UInt8(truncatingIfNeeded: transaction.transactionID >> shift))
                }
            }
            for _ in 0..<reader.byte() { datagram.append(reader.byte()) }
            let expected = transaction.transactionID
            let belongs = UDPTransaction.transactionID(of: datagram[...]) == expected
            action = transaction.received(datagram[...], at: now, using: &random)
            try require(action == .ignore || belongs, "took what belongs to another transaction")
        }
        if case .send(let packet) = action {
            packets += 1
            try require(packet.count >= 16, "a packet of \(packet.count) bytes")
        }
        if case .answered(.announced(let answer)) = action { try check(answer) }
        try require(packets < 40, "\(packets) packets")
    }
    while let deadline = transaction.nextDeadline {
        if case .send = transaction.timerFired(at: deadline, using: &random) { packets += 1 }
        try require(packets < 40, "\(packets) packets without an end")
    }
    let late = transaction.received([0, 0, 0, 0], at: now, using: &random)
    try require(late == .ignore, "heard something after the end")
}

private func check(_ answer: AnnounceAnswer) throws(BrokenInvariant) {
    try require(
        answer.peers.count <= AnnounceAnswer.maximumPeers && answer.peers.allSatisfy(\.isUsable),
        "more peers than allowed, or unusable ones")
    if let warning = answer.warning { try check(warning) }
    try require((answer.trackerID?.count ?? 0) <= 256, "a long tracker id")
}

private func check(_ text: TrackerText) throws(BrokenInvariant) {
    // What was not UTF-8 takes three bytes each.
    try require(text.verbatim.utf8.count <= 3 * TrackerText.maximumBytes, "too many words")
    try require(
        text.displayed.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) },
        "control characters are shown")
}

/// What was read; nil when it was refused, with words that can be shown.
private func readable<Value>(
    _ read: () throws(AnnounceFailure) -> Value
) throws(BrokenInvariant) -> Value? {
    do throws(AnnounceFailure) {
        return try read()
    } catch {
        try require(!error.description.isEmpty, "refused without words")
        if case .refused(let words, _) = error { try check(words) }
        return nil
    }
}

extension TrackerURL {
    /// Nil for what is refused.
    fileprivate init?(again bytes: ArraySlice<UInt8>) throws(BrokenInvariant) {
        guard let url = try? TrackerURL(String(decoding: bytes, as: UTF8.self)) else { return nil }
        try require((try? TrackerURL(url.text)) == url, "\(url.text) is taken otherwise the second time")
        try require(!url.host.isEmpty && url.text.utf8.count <= Self.maximumBytes, "a URL without a host")
        _ = (url.masked, url.httpScrapeURL(of: [trackedTorrent]), trackedAnnounce.httpURL(for: url))
        if let scrape = url.scrapeURL { try require(scrape.host == url.host, "scrapes another host") }
        self = url
    }
}

/// 1, 2, 3 …, because a transaction needs numbers and no chance.
private struct CountingGenerator: RandomNumberGenerator {
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        self.last += 1 << 32 | 1
        return self.last
    }
}

private let trackedTorrent =
    TorrentID(bytes: [UInt8](repeating: 0x61, count: TorrentID.byteCount))
    ?? { preconditionFailure("20 bytes make an identifier") }()

private let trackedURL = (try? TrackerURL("udp://t.example:1/k")) ?? { preconditionFailure("a good URL") }()

private let trackedAnnounce = AnnounceRequest(
    torrent: trackedTorrent,
    peerID: PeerID(bytes: [UInt8](repeating: 0x62, count: PeerID.byteCount))
        ?? { preconditionFailure("20 bytes make an identifier") }(),
    port: 1, left: 0, key: 1)
