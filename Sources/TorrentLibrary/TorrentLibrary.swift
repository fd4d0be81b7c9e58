public import EventIO
import SwarmTypes
public import TorrentCatalog
public import TorrentEngine

/// The torrents that Weir itself runs: what their owner wants of them, what became of them, and one engine that moves them.
///
/// An actor on the engine's loop, so that it asks and tells the engine without waiting. Everything that a list shows is in
/// the `mirror`; the lines there are the library's own memory of settings as well.
public actor TorrentLibrary {
    public nonisolated let mirror: CatalogMirror
    public nonisolated let loop: EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    nonisolated let engine: TorrentEngine
    let environment: LibraryEnvironment
    var torrents: [TorrentID: LibraryTorrent] = [:]
    /// The .torrent files of those that are there.
    var metainfoBytes: [TorrentID: [UInt8]] = [:]
    /// Unfinished torrents, in the order in which they may run.
    var queue: [TorrentID] = []
    var queueIsStale = true

    // What is not published yet.
    var lines: [TorrentID: TorrentSummary] = [:]
    var removed: [TorrentID] = []
    var touched: Set<TorrentID> = []
    /// Those that moved when last looked at.
    var moving: Set<TorrentID> = []
    var categories: [String: TorrentCategory] = [:]
    var tags: Set<String> = []
    var categoriesChanged = false
    var tagsChanged = false
    var preferences: LibraryPreferences
    var preferencesChanged = false

    var scheduleWasOn: Bool?
    var alternativeLimitsAreOn = false
    var freeSpace: Int64?

    // Of sessions before this one.
    var allTimeUploaded: Int64 = 0
    var allTimeDownloaded: Int64 = 0
    // Since the start, of torrents that are gone from the engine.
    var endedUploaded: Int64 = 0
    var endedDownloaded: Int64 = 0
    var endedWasted: Int64 = 0
    /// Which cap a torrent with these trackers shares.
    var capFor: @Sendable ([TrackerLine]) -> String? = { _ in nil }
    var isStopping = false
    var ticks = 0
    let startedAt: Instant

    public init(
        _ settings: EngineSettings, preferences: LibraryPreferences, environment: LibraryEnvironment,
        loop: EventLoop
    ) throws(SystemCallFailure) {
        self.loop = loop
        self.engine = try TorrentEngine(settings, loop: loop)
        self.environment = environment
        self.preferences = preferences
        self.mirror = CatalogMirror(preferences)
        self.startedAt = loop.now
    }

    /// Begins to run: listens, starts what is to run and publishes about once a second.
    public func start() {
        self.ask { engine in
            engine.observe { [weak self] event in self?.assumeIsolated { $0.happened(event) } }
            do throws(SystemCallFailure) {
                try engine.listen()
            } catch {
                self.environment.report(.notListening("\(error)"))
            }
        }
        self.applyLimits()
        self.tick()
    }

    /// Ends all torrents: data that waits is written and trackers are told. Calls `body` on the loop when that is done.
    public func stop(_ body: @escaping @Sendable () -> Void) {
        guard !self.isStopping else { return }
        self.isStopping = true
        self.publish()
        self.ask { $0.stop(body) }
    }

    /// The engine lives on the same loop: whoever is here may ask it at once.
    func ask<Answer: Sendable>(_ body: (isolated TorrentEngine) -> Answer) -> Answer {
        self.engine.assumeIsolated(body)
    }

    var now: Int64 { self.environment.secondsSince1970() }

    /// Seconds since 1970 of an instant of the loop's clock.
    func wallTime(of instant: Instant) -> Int64 {
        self.now + Int64(instant.seconds(since: self.loop.now))
    }

    // MARK: Lines

    /// The torrent's line as it will be published.
    func line(of id: TorrentID) -> TorrentSummary? { self.lines[id] ?? self.mirror.row(of: id)?.summary }

    /// Changes a torrent's line, to be published with the others.
    func change(_ id: TorrentID, _ body: (inout TorrentSummary) -> Void) {
        guard var line = self.line(of: id) else { return }
        body(&line)
        self.lines[id] = line
        self.touched.insert(id)
    }

    func note(_ torrent: LibraryTorrent, _ code: String, _ text: String) {
        torrent.timeline.note(code, text, at: self.now)
    }
}
