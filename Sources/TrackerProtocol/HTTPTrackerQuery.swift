import ByteCoding
public import SwarmTypes

extension AnnounceRequest {
    /// The URL that announces over HTTP (BEP 3, 7, 21, 23): the tracker's own with our words behind its query.
    public func httpURL(for tracker: TrackerURL) -> String {
        var query = QueryBuilder(tracker)
        query.append("info_hash", self.torrent.bytes)
        query.append("peer_id", self.peerID.bytes)
        query.append("port", "\(self.port)")
        query.append("uploaded", "\(self.uploaded)")
        query.append("downloaded", "\(self.downloaded)")
        query.append("left", "\(self.left)")
        if let corrupt = self.corrupt { query.append("corrupt", "\(corrupt)") }
        if let redundant = self.redundant { query.append("redundant", "\(redundant)") }
        let key = String(self.key, radix: 16, uppercase: true)
        query.append("key", String(repeating: "0", count: 8 - key.utf8.count) + key)
        if self.event != .none { query.append("event", self.event.rawValue) }
        query.append("numwant", "\(self.wantedPeers)")
        query.append("compact", "1")
        query.append("no_peer_id", "1")
        query.append("supportcrypto", "1")
        if let trackerID = self.trackerID { query.append("trackerid", trackerID) }
        return query.url
    }
}

extension TrackerURL {
    /// More hashes than that make a URL that servers refuse.
    public static let maximumScrapedTorrents = 64

    /// Where the counts of several torrents can be asked for (BEP 48); nil when the last word of the path does not
    /// begin with `announce`, which means that the tracker has no such place. A UDP tracker answers both at one.
    public var scrapeURL: TrackerURL? {
        if self.scheme == .udp { return self }
        let (path, word) = (self.path, "/announce")
        guard let slash = path.lastIndex(of: "/"), path[slash...].hasPrefix(word) else { return nil }
        let end = path[slash...].dropFirst(word.count)
        return try? TrackerURL("\(self.beforePath)\(path[..<slash])/scrape\(end)\(self.query)")
    }

    /// The URL that asks this scrape URL for the torrents, of which only the first 64 are taken.
    public func httpScrapeURL(of torrents: some Sequence<TorrentID>) -> String {
        var query = QueryBuilder(self)
        for torrent in torrents.prefix(Self.maximumScrapedTorrents) {
            query.append("info_hash", torrent.bytes)
        }
        return query.url
    }
}

/// Appends parameters to a URL that may have some already.
private struct QueryBuilder {
    private var bytes: [UInt8]
    private var separator: UInt8?

    init(_ url: TrackerURL) {
        self.bytes = Array(url.text.utf8)
        switch url.query.utf8.last {
        case nil: self.separator = UInt8(ascii: "?")
        case UInt8(ascii: "?"), UInt8(ascii: "&"): self.separator = nil
        default: self.separator = UInt8(ascii: "&")
        }
    }

    var url: String { String(decoding: self.bytes, as: UTF8.self) }

    mutating func append(_ name: String, _ value: [UInt8]) {
        if let separator = self.separator { self.bytes.append(separator) }
        self.separator = UInt8(ascii: "&")
        self.bytes += Array(name.utf8)
        self.bytes.append(UInt8(ascii: "="))
        self.bytes.append(percentEncoding: value)
    }

    mutating func append(_ name: String, _ value: String) { self.append(name, Array(value.utf8)) }
}
