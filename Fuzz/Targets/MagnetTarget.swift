import MetainfoCoding

/// A link that is taken names a torrent, and is written so that it reads back as the same.
let magnetTarget = FuzzTarget(name: "magnet") { input throws(BrokenInvariant) in
    let link: MagnetLink
    do throws(MagnetFailure) {
        link = try MagnetLink(String(decoding: input, as: UTF8.self))
    } catch {
        try require(!error.description.isEmpty, "no reason")
        return
    }
    try require(link.v1ID != nil || link.v2InfoHash != nil, "no info-hash")
    for range in link.selectedFiles ?? [] { try require(range.lowerBound >= 0, "\(range)") }
    guard let again = try? MagnetLink(link.text) else {
        throw BrokenInvariant("\(link.text) is refused")
    }
    try require(again == link, "\(link) is written as \(link.text)")
}
