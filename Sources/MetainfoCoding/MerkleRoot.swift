import SwarmTypes

/// The root above a layer of BEP 52's hash tree, each hash of which covers `byteCount` bytes: 16 KiB times a power of two.
///
/// Where a level has an odd number of hashes, one that covers nothing but zero leaves stands beside the last. The layer is not
/// empty. Nil when the machine cannot hash.
///
/// - Parameter span: how many bytes the root covers at least, as a piece does where its file ends within it.
public func merkleRoot(
    ofLayer layer: ArraySlice<UInt8>, covering byteCount: Int, spanning span: Int = 0,
    hashing: MetainfoHashing
) -> [UInt8]? {
    let pair = 2 * InfoHashV2.byteCount
    var padding = [UInt8](repeating: 0, count: InfoHashV2.byteCount)
    var covered = Int(PieceGeometry.blockLength)
    while covered < byteCount {
        guard let next = hashing.sha256((padding + padding)[...], pair) else { return nil }
        padding = next
        covered *= 2
    }
    var level = layer
    while level.count > InfoHashV2.byteCount || covered < span {
        if !level.count.isMultiple(of: pair) { level += padding }
        guard let above = hashing.sha256(level, pair), above.count == level.count / 2,
            let next = hashing.sha256((padding + padding)[...], pair)
        else { return nil }
        level = above[...]
        padding = next
        covered *= 2
    }
    return Array(level)
}
