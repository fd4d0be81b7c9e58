/// What a client says about one of a torrent's trackers.
public enum TrackerStatus: CaseIterable, Hashable, Sendable {
    case disabled
    case notContacted
    case working
    case updating
    case notWorking
    case unknown
}

public struct TrackerEntry: Hashable, Sendable {
    public var url: String
    public var status: TrackerStatus

    public init(url: String, status: TrackerStatus) {
        self.url = url
        self.status = status
    }

    /// Whether it is a tracker at all: clients list their other peer sources beside them, as `** [DHT] **`.
    var isTracker: Bool {
        let trimmed = self.url.drop(while: \.isWhitespace)
        return !trimmed.isEmpty && !trimmed.hasPrefix("**")
    }
}

/// The entry that decides which cap a torrent falls under: the first working tracker, else the first without
/// an error, else the first. Nil when it has no tracker.
public func chooseTracker(_ entries: [TrackerEntry]) -> Int? {
    entries.firstIndex { $0.isTracker && $0.status == .working }
        ?? entries.firstIndex { $0.isTracker && $0.status != .notWorking && $0.status != .disabled }
        ?? entries.firstIndex(where: \.isTracker)
}
