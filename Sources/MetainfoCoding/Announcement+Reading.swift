import BencodeCoding
import ByteCoding

extension Announcement {
    /// What is malformed here is left out: none of it is part of the torrent.
    init(of root: BencodeValue, isPrivate: Bool, limits: MetainfoLimits) {
        self.tiers = Self.tiers(of: root, limits.trackerCount)
        self.webSeeds = Self.webSeeds(of: root, limits.webSeedCount)
        if !isPrivate { self.nodes = Self.nodes(of: root) }
        self.comment = root.preferredText("comment.utf-8", "comment").map {
            String(decoding: $0, as: UTF8.self)
        }
        self.createdBy = root["created by"]?.looseText
        self.creationDate = root["creation date"]?.integer
    }

    /// `announce-list` counts where it names any tracker, else `announce` (BEP 12).
    private static func tiers(of root: BencodeValue, _ limit: Int) -> [[String]] {
        var seen: Set<String> = []
        var tiers: [[String]] = []
        func take(_ value: BencodeValue, into tier: inout [String]) {
            guard seen.count < limit, let url = value.bytes.flatMap({ cleanedURL($0, trackerSchemes) }),
                seen.insert(url).inserted
            else { return }
            tier.append(url)
        }
        if let list = root["announce-list"]?.list {
            for value in list {
                var tier: [String] = []
                // Some write a list of URLs without tiers.
                if let urls = value.list {
                    for url in urls { take(url, into: &tier) }
                } else {
                    take(value, into: &tier)
                }
                if !tier.isEmpty { tiers.append(tier) }
            }
        }
        if tiers.isEmpty, let announce = root["announce"] {
            var tier: [String] = []
            take(announce, into: &tier)
            if !tier.isEmpty { tiers.append(tier) }
        }
        return tiers
    }

    /// One URL or a list of them (BEP 19).
    private static func webSeeds(of root: BencodeValue, _ limit: Int) -> [String] {
        guard let value = root["url-list"] else { return [] }
        var seeds: [String] = []
        var seen: Set<String> = []
        for value in value.list.map(Array.init) ?? [value] {
            guard seeds.count < limit, let url = value.bytes.flatMap({ cleanedURL($0, webSeedSchemes) }),
                seen.insert(url).inserted
            else { continue }
            seeds.append(url)
        }
        return seeds
    }

    private static func nodes(of root: BencodeValue) -> [DHTNode] {
        guard let list = root["nodes"]?.list else { return [] }
        var nodes: [DHTNode] = []
        for value in list where nodes.count < 100 {
            guard let pair = value.list.map(Array.init), pair.count == 2, let host = pair[0].text,
                isHost(host.utf8), let port = pair[1].integer.flatMap({ UInt16(exactly: $0) }), port > 0
            else { continue }
            nodes.append(DHTNode(host: host, port: port))
        }
        return nodes
    }
}

extension Announcement {
    /// The URL as a torrent holds it; nil when it is none of a tracker that clients know.
    public static func trackerURL(_ text: String) -> String? { cleanedURL(text.utf8, trackerSchemes) }

    /// The same for a web seed.
    public static func webSeedURL(_ text: String) -> String? { cleanedURL(text.utf8, webSeedSchemes) }
}

let trackerSchemes = ["http", "https", "udp"]
let webSeedSchemes = ["http", "https"]

/// A stranger's URL: without blanks around it, of one of the schemes, with a host, at most 4 KiB, and with everything
/// that is not visible ASCII as percent escapes. Nil when it is none, or holds a control character.
func cleanedURL(_ bytes: some BidirectionalCollection<UInt8>, _ schemes: [String]) -> String? {
    let isBlank = { (byte: UInt8) in byte == 0x20 || 0x09...0x0D ~= byte }
    guard let first = bytes.firstIndex(where: { !isBlank($0) }),
        let last = bytes.lastIndex(where: { !isBlank($0) })
    else { return nil }
    let url = bytes[first...last]
    guard url.count <= 4096, url.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    let scheme = schemes.first { scheme in
        url.prefix(scheme.utf8.count).elementsEqual(scheme.utf8) { $0 | 0x20 == $1 }
            && url.dropFirst(scheme.utf8.count).starts(with: "://".utf8)
    }
    guard let scheme else { return nil }
    let rest = url.dropFirst(scheme.utf8.count + 3)
    guard let next = rest.first, !"/?#:@ ".utf8.contains(next) else { return nil }
    var text = Array("\(scheme)://".utf8)
    // Reserved characters of RFC 3986 and `%`, which may be part of an escape.
    text.append(percentEncoding: rest, keeping: ":/?#[]@!$&'()*+,;=%|")
    return String(decoding: text, as: UTF8.self)
}

/// Whether bytes could be a host name or an address: visible ASCII without separators of URLs.
func isHost(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.count <= 255
        && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\"<>\\^`{|}".utf8.contains($0) }
}
