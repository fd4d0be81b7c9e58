/// A torrent that would like to run, in the order of the queue.
public struct QueueCandidate: Hashable, Sendable {
    /// Something that is wanted of it is missing.
    public var isDownloading: Bool
    /// It runs whatever the queue says, and takes nobody's place.
    public var isForced: Bool
    /// It runs and moves next to nothing.
    public var isSlow: Bool

    public init(isDownloading: Bool, isForced: Bool = false, isSlow: Bool = false) {
        self.isDownloading = isDownloading
        self.isForced = isForced
        self.isSlow = isSlow
    }
}

/// How many torrents may run; nil is any number.
public struct QueueBounds: Hashable, Sendable {
    public var downloads: Int?
    public var uploads: Int?
    public var torrents: Int?
    /// Slow ones take nobody's place.
    public var ignoresSlow: Bool

    public init(downloads: Int?, uploads: Int?, torrents: Int?, ignoresSlow: Bool = false) {
        self.downloads = downloads
        self.uploads = uploads
        self.torrents = torrents
        self.ignoresSlow = ignoresSlow
    }
}

/// Which of them run, by place. Downloads come before seeds, among themselves in the order given.
public func runningTorrents(_ candidates: [QueueCandidate], _ bounds: QueueBounds) -> [Bool] {
    var runs = candidates.map(\.isForced)
    var left = bounds.torrents ?? .max
    for isDownloading in [true, false] {
        var leftOfKind = (isDownloading ? bounds.downloads : bounds.uploads) ?? .max
        for (place, candidate) in candidates.enumerated()
        where candidate.isDownloading == isDownloading && !candidate.isForced {
            guard left > 0, leftOfKind > 0 else { break }
            runs[place] = true
            guard !(bounds.ignoresSlow && candidate.isSlow) else { continue }
            left -= 1
            leftOfKind -= 1
        }
    }
    return runs
}

public enum QueueStep: Hashable, Sendable { case top, up, down, bottom }

/// The queue after some of its members were moved; those that move together keep their order.
public func queue<Member: Hashable>(
    _ members: [Member], moving chosen: Set<Member>, _ step: QueueStep
) -> [Member] {
    var order = members
    switch step {
    case .top: order = members.filter { chosen.contains($0) } + members.filter { !chosen.contains($0) }
    case .bottom: order = members.filter { !chosen.contains($0) } + members.filter { chosen.contains($0) }
    case .up:
        for place in order.indices.dropFirst()
        where chosen.contains(order[place]) && !chosen.contains(order[place - 1]) {
            order.swapAt(place, place - 1)
        }
    case .down:
        for place in order.indices.dropLast().reversed()
        where chosen.contains(order[place]) && !chosen.contains(order[place + 1]) {
            order.swapAt(place, place + 1)
        }
    }
    return order
}
