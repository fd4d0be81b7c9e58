import ByteCoding
import SwarmTypes

extension MagnetLink {
    /// In bytes; a thousand trackers fit.
    public static let maximumByteCount = 64 << 10
    /// Of a file's number in `so`, exclusive.
    static let selectionLimit = 1 << 20

    /// Reads a link. Parameters that are unknown, or malformed and not needed, are left out.
    public init(_ text: some StringProtocol) throws(MagnetFailure) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumByteCount else {
            throw .tooLong(count: bytes.count, limit: Self.maximumByteCount)
        }
        let scheme = Array("magnet:?".utf8)
        guard bytes.count >= scheme.count,
            zip(bytes, scheme).allSatisfy({ lowercased($0) == $1 })
        else { throw .notMagnet }

        var found: MagnetLink?
        var rest = MagnetLink(v1ID: TorrentID.placeholder)
        var selection: [ClosedRange<Int>] = []
        let parameters = bytes[scheme.count...].prefix { $0 != UInt8(ascii: "#") }
        for parameter in parameters.split(separator: UInt8(ascii: "&")) {
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = parameter[(equals + 1)...]
            switch Self.key(parameter[..<equals]) {
            case "xt": try Self.readTopic(value, into: &found)
            case "dn": rest.readName(value)
            case "tr": Self.readURL(value, trackerSchemes, into: &rest.trackers)
            case "ws": Self.readURL(value, webSeedSchemes, into: &rest.webSeeds)
            case "x.pe": rest.readPeer(value)
            case "so": try Self.readSelection(value, into: &selection)
            default: break
            }
        }
        guard let found else { throw .noInfoHash }
        (rest.v1ID, rest.v2InfoHash) = (found.v1ID, found.v2InfoHash)
        if !selection.isEmpty { rest.selectedFiles = Self.merged(selection) }
        self = rest
    }

    /// In lower case, and without the number that tells several of a kind apart, as in `xt.1`.
    private static func key(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        if let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot + 1 < bytes.endIndex,
            bytes[(dot + 1)...].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        {
            bytes = bytes[..<dot]
        }
        return String(decoding: bytes.map(lowercased), as: UTF8.self)
    }

    private static func readTopic(
        _ value: ArraySlice<UInt8>, into link: inout MagnetLink?
    ) throws(MagnetFailure) {
        guard let topic = percentDecoded(value) else { return }
        let prefix = topic.prefix(9).map(lowercased)
        let digits = topic.dropFirst(9)
        if prefix.elementsEqual("urn:btih:".utf8) {
            let bytes = digits.count == 32 ? base32Decoded(digits) : hexDecoded(digits)
            guard let id = bytes.flatMap({ TorrentID(bytes: $0) }) else { throw .badInfoHash }
            guard link?.v1ID == nil || link?.v1ID == id else { throw .severalInfoHashes }
            if link == nil { link = MagnetLink(v1ID: id) } else { link?.v1ID = id }
        } else if prefix.elementsEqual("urn:btmh:".utf8) {
            // A multihash: SHA-256 is 0x12, its length 0x20.
            guard let bytes = hexDecoded(digits), bytes.starts(with: [0x12, 0x20]),
                let hash = InfoHashV2(bytes: bytes.dropFirst(2))
            else { throw .badInfoHash }
            guard link?.v2InfoHash == nil || link?.v2InfoHash == hash else { throw .severalInfoHashes }
            if link == nil { link = MagnetLink(v2InfoHash: hash) } else { link?.v2InfoHash = hash }
        }
    }

    private mutating func readName(_ value: ArraySlice<UInt8>) {
        guard self.displayName == nil, let bytes = percentDecoded(value, plusIsSpace: true), !bytes.isEmpty
        else { return }
        self.displayName = String(decoding: bytes, as: UTF8.self)
    }

    private static func readURL(_ value: ArraySlice<UInt8>, _ schemes: [String], into list: inout [String]) {
        guard let url = percentDecoded(value).flatMap({ cleanedURL($0, schemes) }), !list.contains(url),
            list.count < 1000
        else { return }
        list.append(url)
    }

    /// `host:port`, `ipv4:port` or `[ipv6]:port`.
    private mutating func readPeer(_ value: ArraySlice<UInt8>) {
        guard self.peers.count < 1000, let bytes = percentDecoded(value),
            let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            let port = decimal(bytes[(colon + 1)...], below: 65536), port > 0
        else { return }
        var host = bytes[..<colon]
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        if isBracketed { host = host.dropFirst().dropLast() }
        // Without brackets nobody could tell where an IPv6 address ends.
        guard isHost(host), isBracketed == host.contains(UInt8(ascii: ":")) else { return }
        let peer = MagnetPeer(
            host: String(decoding: host, as: UTF8.self), port: UInt16(truncatingIfNeeded: port))
        guard !isBracketed || peer.address != nil, !self.peers.contains(peer) else { return }
        self.peers.append(peer)
    }

    /// As `0,2,4,6-8` (BEP 53).
    private static func readSelection(
        _ value: ArraySlice<UInt8>, into ranges: inout [ClosedRange<Int>]
    ) throws(MagnetFailure) {
        guard let bytes = percentDecoded(value) else { throw .badSelection }
        for part in bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let ends = part.split(
                separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap({ decimal($0, below: Self.selectionLimit) }),
                let last = ends.last.flatMap({ decimal($0, below: Self.selectionLimit) }), first <= last
            else { throw .badSelection }
            ranges.append(first...last)
        }
    }

    private static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var merged: [ClosedRange<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// The link in its shortest form, which reads back as the same.
    public var text: String {
        var topics: [String] = []
        if let id = self.v1ID { topics.append("xt=urn:btih:\(id.hex)") }
        if let hash = self.v2InfoHash { topics.append("xt=urn:btmh:1220\(hash.hex)") }
        var text = Array("magnet:?\(topics.joined(separator: "&"))".utf8)
        func add(_ key: String, _ value: String, keeping kept: String) {
            text += "&\(key)=".utf8
            text.append(percentEncoding: value.utf8, keeping: kept)
        }
        if let name = self.displayName { add("dn", name, keeping: "") }
        for tracker in self.trackers { add("tr", tracker, keeping: ":/") }
        for seed in self.webSeeds { add("ws", seed, keeping: ":/") }
        for peer in self.peers { add("x.pe", peer.text, keeping: ":[]") }
        if let ranges = self.selectedFiles {
            let parts = ranges.map { range in
                range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
            }
            add("so", parts.joined(separator: ","), keeping: ",")
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension TorrentID {
    /// While a link's own is not read yet.
    fileprivate static var placeholder: TorrentID {
        guard let id = TorrentID(bytes: [UInt8](repeating: 0, count: Self.byteCount)) else {
            preconditionFailure("20 bytes are 20 bytes")
        }
        return id
    }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
}

/// Nil for anything but one to seven digits of a number below the limit.
private func decimal(_ digits: some Collection<UInt8>, below limit: Int) -> Int? {
    guard 1...7 ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
        return nil
    }
    let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    return value < limit ? value : nil
}
