import EventIO
public import SwarmTypes

/// A torrent's line as it was published: shared by all who read it, and replaced when it changes.
public final class TorrentRow: Sendable {
    public let summary: TorrentSummary
    /// The revision of the catalogue in which it changed last.
    public let revision: UInt64

    public init(_ summary: TorrentSummary, revision: UInt64) {
        self.summary = summary
        self.revision = revision
    }
}

/// What has changed since the last publication.
public struct CatalogChange: Sendable {
    public var changed: [TorrentSummary] = []
    public var removed: [TorrentID] = []
    /// Nil: as before.
    public var categories: [TorrentCategory]?
    public var tags: [String]?
    public var session: SessionSummary?
    public var caps: [CapLine]?
    public var preferences: LibraryPreferences?

    public init() {}

    public var isEmpty: Bool {
        self.changed.isEmpty && self.removed.isEmpty && self.categories == nil && self.tags == nil
            && self.session == nil && self.caps == nil && self.preferences == nil
    }
}

/// The list of torrents for those who read it: a copy that the library brings up to date about once a second, and that
/// anybody reads on any thread without asking the engine.
public final class CatalogMirror: Sendable {
    /// All of it at one moment. Cheap to take: rows are shared.
    public struct State: Sendable {
        /// Grows by one with each publication.
        public internal(set) var revision: UInt64 = 0
        public internal(set) var rows: [TorrentID: TorrentRow] = [:]
        public internal(set) var categories: [TorrentCategory] = []
        public internal(set) var tags: [String] = []
        public internal(set) var session = SessionSummary()
        public internal(set) var caps: [CapLine] = []
        public internal(set) var preferences: LibraryPreferences
    }

    private struct Watched {
        var state: State
        var observers: [Int: @Sendable (CatalogChange, UInt64) -> Void] = [:]
        var nextObserver = 0
    }

    private let watched: Lock<Watched>

    public init(_ preferences: LibraryPreferences) {
        self.watched = Lock(Watched(state: State(preferences: preferences)))
    }

    public var state: State { self.watched.withLock { $0.state } }

    /// Something was published: before that an empty list says nothing.
    public var hasBegun: Bool { self.watched.withLock { $0.state.revision > 0 } }

    public func row(of id: TorrentID) -> TorrentRow? { self.watched.withLock { $0.state.rows[id] } }

    /// Takes over what has changed, and tells all observers on the calling thread.
    public func publish(_ change: CatalogChange) {
        guard !change.isEmpty else { return }
        let (observers, revision) = self.watched.withLock { watched in
            watched.state.take(change)
            return (Array(watched.observers.values), watched.state.revision)
        }
        for observer in observers { observer(change, revision) }
    }

    /// Calls `body` after each publication, on the thread that publishes: hand it on from there. Answers what `forget`
    /// takes.
    public func observe(_ body: @escaping @Sendable (CatalogChange, UInt64) -> Void) -> Int {
        self.watched.withLock { watched in
            let number = watched.nextObserver
            watched.nextObserver += 1
            watched.observers[number] = body
            return number
        }
    }

    public func forget(_ observer: Int) {
        self.watched.withLock { _ = $0.observers.removeValue(forKey: observer) }
    }
}

extension CatalogMirror.State {
    fileprivate mutating func take(_ change: CatalogChange) {
        self.revision += 1
        for summary in change.changed { self.rows[summary.id] = TorrentRow(summary, revision: self.revision) }
        for id in change.removed { self.rows[id] = nil }
        if let categories = change.categories { self.categories = categories }
        if let tags = change.tags { self.tags = tags }
        if let session = change.session { self.session = session }
        if let caps = change.caps { self.caps = caps }
        if let preferences = change.preferences { self.preferences = preferences }
    }
}
