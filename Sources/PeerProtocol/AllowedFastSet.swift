public import SwarmTypes

/// The pieces that a peer may ask for while it is choked, by BEP 6's rule: the same whoever offers them.
///
/// Empty for an IPv6 address, for which there is no rule. All pieces, when there are no more than `count`.
///
/// - Parameters:
///   - address: The peer's. Only its network counts, so that more addresses do not give more pieces.
///   - sha1: 20 bytes for any input.
public func allowedFastSet(
    for address: PeerAddress, of torrent: TorrentID, pieceCount: Int, count: Int = 10,
    sha1: ([UInt8]) -> [UInt8]
) -> [UInt32] {
    guard let ipv4 = address.ipv4, let pieces = UInt32(exactly: pieceCount), pieces > 0 else { return [] }
    guard pieceCount > count else { return Array(0..<pieces) }
    var digest = [UInt8(ipv4 >> 24), UInt8(ipv4 >> 16 & 255), UInt8(ipv4 >> 8 & 255), 0] + torrent.bytes
    var chosen: [UInt32] = []
    while chosen.count < count {
        digest = sha1(digest)
        guard digest.count == 20 else { return chosen }
        for start in stride(from: 0, to: 20, by: 4) where chosen.count < count {
            let piece = digest[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) } % pieces
            if !chosen.contains(piece) { chosen.append(piece) }
        }
    }
    return chosen
}
