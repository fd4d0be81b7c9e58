public import HTTPFetching
public import TrackerClient

/// Time and the way out, given by the assembly.
public struct LibraryEnvironment: Sendable {
    /// The wall clock, in seconds since 1970.
    public var secondsSince1970: @Sendable () -> Int64
    /// Of local time: minutes since midnight, and the day of the week; 0 is Monday.
    public var localTime: @Sendable () -> (minute: Int, day: Int)
    /// Fetches .torrent files by their address; on the engine's loop.
    public var fetcher: (any Fetching)?
    public var download = TorrentDownload(userAgent: "Weir")
    /// Bytes that are free on the disk of a folder.
    public var freeSpace: @Sendable (String) -> Int64?
    /// What is worth a line in the log.
    public var report: @Sendable (LibraryReport) -> Void

    public init(
        secondsSince1970: @escaping @Sendable () -> Int64,
        localTime: @escaping @Sendable () -> (minute: Int, day: Int),
        fetcher: (any Fetching)? = nil, freeSpace: @escaping @Sendable (String) -> Int64? = { _ in nil },
        report: @escaping @Sendable (LibraryReport) -> Void = { _ in }
    ) {
        self.secondsSince1970 = secondsSince1970
        self.localTime = localTime
        self.fetcher = fetcher
        self.freeSpace = freeSpace
        self.report = report
    }
}

/// What a library tells the log. Texts that come from torrents and trackers are hostile.
public enum LibraryReport: Hashable, Sendable {
    case added(id: String, name: String)
    case removed(id: String, name: String, withFiles: Bool)
    case finished(id: String, name: String)
    case failed(id: String, name: String, words: String)
    case watched(file: String, problem: String?)
    case notListening(String)
    case recordFailed(String)
}
