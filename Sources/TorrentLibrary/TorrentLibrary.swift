public import EventIO
import MetainfoCoding
import SwarmTypes
public import TorrentCatalog
public import TorrentEngine
public import TorrentStorage

/// The torrents that Weir itself runs: what their owner wants of them, what became of them, and one engine that moves them.
///
/// An actor on the engine's loop, so that it asks and tells the engine without waiting. Everything that a list shows is in
/// the `mirror`; the lines there are the library's own memory of settings as well.
public actor TorrentLibrary {
    public nonisolated let mirror: CatalogMirror
    public nonisolated let loop: EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    nonisolated let engine: TorrentEngine
    let keeper: ResumeKeeper
    let environment: LibraryEnvironment
    /// Of the configuration, which wins over what surfaces set.
    let fixedPort: UInt16?
    var torrents: [TorrentID: LibraryTorrent] = [:]
    /// Unfinished torrents, in the order in which they may run.
    var queue: [TorrentID] = []
    var queueIsStale = true
    var withOwnShareLimits: Set<TorrentID> = []

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

    // What is not on disk yet.
    var unsaved: Set<TorrentID> = []
    var happenings: [(id: TorrentID, happening: TorrentHappening)] = []
    var goneFromRecord: [TorrentID] = []
    var failedChanges = LibraryChanges()
    var mustSaveCategories = false
    var mustSaveTags = false
    var mustSavePreferences = false
    var mustSaveTotals = false

    // What is on its way.
    var startQueue: [TorrentID] = []
    var loadingCount = 0
    /// Torrents whose files are being removed.
    var leaving: [TorrentID: Leaving] = [:]
    /// Nil while no folder was ever watched.
    var watched: WatchedFolders?
    /// Descriptions that were asked for last.
    var descriptions: [Metainfo] = []
    /// Over how many seconds the trackers hear of the torrents of before.
    var startSpreadSeconds = 0.0
    var isReady = false

    var scheduleWasOn: Bool?
    var alternativeLimitsAreOn = false
    var freeSpace: Int64?

    // Of sessions before this one.
    var allTimeUploaded: Int64 = 0
    var allTimeDownloaded: Int64 = 0
    /// By URL, the name of the cap that torrents of that tracker share.
    var capRule: (@Sendable (String) -> String?)?
    var capNames: [String: String?] = [:]
    var caps: [TrackerCap] = []
    /// By name, torrents that share it.
    var capCounts: [String: Int] = [:]
    var isStopping = false
    var ticks = 0
    var waitingForDiagnosis: Set<TorrentID> = []

    /// - Parameters:
    ///   - settings: of the engine; an address with a port wins over the port that was set by a surface.
    ///   - preferences: those of a new library.
    ///   - record: its file holds all that is to be kept. It ends with the library.
    public init(
        _ settings: EngineSettings, preferences: LibraryPreferences, record: ResumeKeeper,
        environment: LibraryEnvironment, loop: EventLoop
    ) throws(SystemCallFailure) {
        self.loop = loop
        self.keeper = record
        self.engine = try TorrentEngine(settings, loop: loop)
        self.environment = environment
        self.fixedPort = settings.listenAddresses.first.flatMap { $0.port == 0 ? nil : $0.port }
        self.preferences = preferences
        self.mirror = CatalogMirror(preferences)
    }

    /// Reads what was recorded and begins to run: listens, starts what is to run and publishes about once a second. Calls
    /// `body` on the loop when the torrents are there, or with the reason why they cannot be read.
    public func start(_ body: @escaping @Sendable (ResumeFailure?) -> Void) {
        self.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            try LoadedLibrary(store)
        } then: { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let loaded):
                self.assumeIsolated { $0.begin(loaded) }
                body(nil)
            case .failure(let failure): body(failure)
            }
        }
    }

    private func begin(_ loaded: LoadedLibrary) {
        let keeper = self.keeper
        self.ask { engine in
            engine.keepRecord(by: keeper)
            engine.observe { [weak self] event in self?.assumeIsolated { $0.happened(event) } }
        }
        self.restore(loaded)
        self.isReady = true
        self.watchFolders()
        self.tick()
    }

    /// Ends all torrents: data that waits is written and trackers are told. Calls `body` on the loop when that is done.
    public func stop(_ body: @escaping @Sendable () -> Void) {
        guard !self.isStopping else { return }
        self.isStopping = true
        self.watched?.stop()
        guard self.isReady else {
            self.keeper.stop()
            return body()
        }
        self.mustSaveTotals = true
        self.unsaved.formUnion(self.torrents.values.filter { $0.phase == .running }.map(\.id))
        self.publish()
        self.save()
        // The engine ends the record's thread after what was asked for.
        self.ask { $0.stop(body) }
    }

    /// How many sessions' ends trackers were told, and how many not.
    public var farewellTally: (told: Int, untold: Int) { self.ask { $0.farewellTally } }

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
        self.unsaved.insert(id)
    }

    func note(_ torrent: LibraryTorrent, _ code: String, _ text: String) {
        self.happenings.append((torrent.id, TorrentHappening(at: self.now, code: code, text: text)))
    }
}
