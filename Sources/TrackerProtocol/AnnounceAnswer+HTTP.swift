import BencodeCoding
public import SwarmTypes

extension BencodeLimits {
    /// A tracker's answer is flat; peers as dictionaries take eight values each.
    fileprivate static let trackerAnswer = BencodeLimits(
        byteCount: AnnounceAnswer.maximumBytes, depth: 8, tokenCount: 200_000)
}

extension AnnounceAnswer {
    /// Reads the body of an HTTP answer (BEP 3, 7, 23, 24, 31). Lenient where trackers are sloppy: unknown keys,
    /// values of the wrong kind, unsorted keys and bytes after the end do no harm.
    public init(httpBody body: ArraySlice<UInt8>) throws(AnnounceFailure) {
        let root = try trackerDictionary(body)
        self.init(
            interval: root.seconds("interval"), minimumInterval: root.seconds("min interval"),
            counts: SwarmCounts(root),
            warning: root["warning message"]?.bytes.map { TrackerText($0) })
        if let id = root["tracker id"]?.bytes, id.count <= 256 { self.trackerID = Array(id) }
        if let address = root["external ip"]?.bytes { self.externalAddress = PeerAddress(binary: address) }
        if let compact = root["peers"]?.bytes { self.keep(compact: compact, stride: 6) }
        if let list = root["peers"]?.list {
            for peer in list.prefix(Self.maximumPeers) {
                guard let host = peer["ip"]?.text, let port = peer["port"]?.integer,
                    let address = PeerAddress(host: host, port: UInt16(clamping: port))
                else { continue }
                self.keep(address)
            }
        }
        if let compact = root["peers6"]?.bytes { self.keep(compact: compact, stride: 18) }
    }

    /// An incomplete last one is left out.
    mutating func keep(compact bytes: ArraySlice<UInt8>, stride: Int) {
        var rest = bytes
        while rest.count >= stride, self.peers.count < Self.maximumPeers {
            if let peer = PeerAddress(compact: rest.prefix(stride)) { self.keep(peer) }
            rest = rest.dropFirst(stride)
        }
    }
}

/// What a tracker counts of several torrents (BEP 48).
public struct ScrapeAnswer: Equatable, Sendable {
    public var counts: [TorrentID: SwarmCounts]

    public init(counts: [TorrentID: SwarmCounts] = [:]) { self.counts = counts }

    /// Reads the body of an HTTP answer; of torrents nobody asked for it keeps none.
    public init(
        httpBody body: ArraySlice<UInt8>, for torrents: some Sequence<TorrentID>
    ) throws(AnnounceFailure) {
        let root = try trackerDictionary(body)
        guard let files = root["files"]?.dictionary else { throw .badAnswer("it has no \"files\"") }
        let asked = Set(torrents)
        self.init()
        for (key, value) in files {
            guard let torrent = TorrentID(bytes: key), asked.contains(torrent) else { continue }
            self.counts[torrent] = SwarmCounts(value)
        }
    }
}

/// The dictionary that an answer is, unless it says a failure.
private func trackerDictionary(_ body: ArraySlice<UInt8>) throws(AnnounceFailure) -> BencodeValue {
    let root: BencodeValue
    do throws(BencodeFailure) {
        root = try BencodeDocument(prefixOf: body, limits: .trackerAnswer).root
    } catch {
        throw .badAnswer(error.description)
    }
    guard root.kind == .dictionary else { throw .badAnswer("it is no dictionary") }
    guard let reason = root["failure reason"] else { return root }
    throw .refused(TrackerText(reason.bytes ?? []), retry: RetryAdvice(root["retry in"]))
}

extension RetryAdvice {
    fileprivate init(_ value: BencodeValue?) {
        let minutes = value?.integer ?? value?.text.flatMap { Int64($0) }
        if let minutes, minutes > 0 {
            self = .afterMinutes(UInt32(clamping: minutes))
        } else {
            self = value?.text == "never" ? .never : .unsaid
        }
    }
}

extension SwarmCounts {
    fileprivate init(_ value: BencodeValue) {
        func count(_ key: String) -> UInt32? { value[key]?.integer.flatMap(UInt32.init(exactly:)) }
        self.init(
            seeds: count("complete"), leeches: count("incomplete"), completions: count("downloaded"),
            downloaders: count("downloaders"))
    }
}

extension BencodeValue {
    fileprivate func seconds(_ key: String) -> UInt32? {
        self[key]?.integer.flatMap { $0 > 0 ? UInt32(clamping: $0) : nil }
    }
}

extension PeerAddress {
    /// Four or sixteen bytes in network order.
    fileprivate init?(binary bytes: ArraySlice<UInt8>) {
        self.init(compact: Array(bytes) + [0, 0])
    }
}
