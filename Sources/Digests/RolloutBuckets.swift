/// Which hundredth of all torrents a torrent belongs to, by the rule that Qguardarr documents: the MD5 of the
/// info-hash's hexadecimal text, of that the first eight digits as a number, modulo 100. A torrent takes part
/// in a rollout of p percent when its bucket is below p.
public struct RolloutBuckets: ~Copyable {
    private var context: DigestContext

    public init() throws(DigestFailure) { self.context = try DigestContext(.md5) }

    /// - Parameter hexDigits: 40 hexadecimal digits in lower case, as ASCII bytes (`TorrentID.hexDigits`).
    /// - Returns: 0...99.
    public mutating func bucket(ofHexDigits hexDigits: [UInt8]) throws(DigestFailure) -> Int {
        try self.context.update(hexDigits)
        // Eight hexadecimal digits are four bytes.
        let number = try self.context.finish().prefix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        return Int(number % 100)
    }
}

/// The same for one torrent.
public func rolloutBucket(ofHexDigits hexDigits: [UInt8]) throws(DigestFailure) -> Int {
    var buckets = try RolloutBuckets()
    return try buckets.bucket(ofHexDigits: hexDigits)
}
