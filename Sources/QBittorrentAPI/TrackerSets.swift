/// The lists of announce URLs that torrents have, each list once.
///
/// A list is kept as its bytes in the magnet links, and decoded when asked for: most torrents share a few
/// lists, and the governor matches each list once. Indices stay valid while `revision` is the same.
public struct TrackerSets: Sendable {
    /// More trackers than these of one torrent are left out.
    public static let maximumURLs = 64
    /// A longer announce URL is left out.
    public static let maximumURLBytes = 2048

    /// Changes when unused lists were removed, and so every index may mean another list.
    public private(set) var revision = 0
    private var lists: [[UInt8]] = [[]]
    private var indices: [[UInt8]: Int32] = [[]: 0]
    private var scratch: [UInt8] = []

    public init() {}

    /// Indices below this are valid; 0 is the list without trackers.
    public var count: Int { self.lists.count }

    /// Announce URLs in the order that qBittorrent keeps, tier by tier. An index that is not valid has none.
    public func urls(at index: Int32) -> [String] {
        guard let place = Int(exactly: index), self.lists.indices.contains(place) else { return [] }
        return self.lists[place].split(separator: UInt8(ascii: "&")).compactMap { encoded in
            let bytes = percentDecoded(encoded)
            let isPseudoTracker = bytes.starts(with: "** [".utf8)
            guard !isPseudoTracker, bytes.count <= Self.maximumURLBytes else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The list of the `tr` parameters of a magnet link. `guess` is the index that the torrent had before.
    mutating func index(ofMagnet link: ArraySlice<UInt8>, guess: Int32) -> Int32 {
        self.collectTrackers(of: link)
        if self.lists.indices.contains(Int(guess)), self.lists[Int(guess)] == self.scratch { return guess }
        if let known = self.indices[self.scratch] { return known }
        guard let index = Int32(exactly: self.lists.count) else { return 0 }
        let list = Array(self.scratch)
        self.lists.append(list)
        self.indices[list] = index
        return index
    }

    /// Removes lists that no row uses, once they are the larger part, and renumbers the rows'.
    mutating func removeUnused(in rows: inout [TorrentRow]) {
        guard self.lists.count > 64 else { return }
        var isUsed = Array(repeating: false, count: self.lists.count)
        isUsed[0] = true
        for row in rows { isUsed[Int(row.trackerSet)] = true }
        guard isUsed.count(where: { $0 }) * 2 < self.lists.count else { return }
        var kept = TrackerSets()
        kept.revision = self.revision + 1
        var renumbered: [Int32] = []
        for (place, list) in self.lists.enumerated() {
            guard isUsed[place], place > 0 else {
                renumbered.append(0)
                continue
            }
            let index = Int32(clamping: kept.lists.count)
            kept.lists.append(list)
            kept.indices[list] = index
            renumbered.append(index)
        }
        for place in rows.indices { rows[place].trackerSet = renumbered[Int(rows[place].trackerSet)] }
        self = kept
    }

    /// Puts the values of the `tr` parameters into `scratch`, still encoded, with "&" between them.
    private mutating func collectTrackers(of link: ArraySlice<UInt8>) {
        self.scratch.removeAll(keepingCapacity: true)
        var urls = 0
        var start = (link.firstIndex(of: UInt8(ascii: "?")) ?? link.endIndex - 1) + 1
        while start < link.endIndex, urls < Self.maximumURLs {
            let end = link[start...].firstIndex(of: UInt8(ascii: "&")) ?? link.endIndex
            let parameter = link[start..<end]
            start = end + 1
            // Three characters for a byte at most.
            guard parameter.starts(with: "tr=".utf8), parameter.count <= 3 + 3 * Self.maximumURLBytes else {
                continue
            }
            if !self.scratch.isEmpty { self.scratch.append(UInt8(ascii: "&")) }
            self.scratch.append(contentsOf: parameter.dropFirst(3))
            urls += 1
        }
    }
}

/// Percent-decoded bytes (RFC 3986, section 2.1); a "%" without two hexadecimal digits stays.
func percentDecoded(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
    func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.flatMap { UInt8(exactly: $0) }
    }
    var decoded: [UInt8] = []
    var index = encoded.startIndex
    while index < encoded.endIndex {
        if encoded[index] == UInt8(ascii: "%"), encoded.endIndex - index > 2,
            let high = digit(encoded[index + 1]), let low = digit(encoded[index + 2])
        {
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(encoded[index])
            index += 1
        }
    }
    return decoded
}
