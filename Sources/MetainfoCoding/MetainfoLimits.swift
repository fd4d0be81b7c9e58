public import BencodeCoding

/// What is taken of a torrent at most: all its numbers come from a stranger.
public struct MetainfoLimits: Hashable, Sendable {
    public var bencode = BencodeLimits.torrentFile
    /// Of the info dictionary. Other clients exchange at most 30 MiB with `ut_metadata` (BEP 9).
    public var infoByteCount = 32 << 20
    public var pieceCount = 1 << 21
    public var fileCount = 1_000_000
    /// Of files whose name another file has already.
    public var duplicateNameCount = 500
    /// Of the directories above a file, the torrent's own included.
    public var pathDepth = 100
    /// Of a whole path in bytes, so that it is one for Linux (PATH_MAX) with a folder before it.
    public var pathByteCount = 3072
    /// Of the paths of all files together: 80 bytes each for 300,000 files. A folder's name is in the path of each file
    /// below it, so that a torrent of 7 MB could otherwise describe a gigabyte of paths.
    public var totalPathByteCount = 24 << 20
    public var trackerCount = 1000
    public var webSeedCount = 1000

    public init() {}

    public static let standard = MetainfoLimits()
}
