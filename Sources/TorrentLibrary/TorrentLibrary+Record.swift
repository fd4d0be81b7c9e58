import EventIO
import MetainfoCoding
import SQLiteStore
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// Keeping everything: what somebody asked for is on disk when the answer comes, the rest soon after.
extension TorrentLibrary {
    /// Times and totals of torrents that run are written so often.
    static let savingSeconds: Int64 = 60

    // MARK: Saving

    /// What has changed since the last save.
    private func takeChanges() -> LibraryChanges {
        var changes = self.failedChanges
        self.failedChanges = LibraryChanges()
        var new = LibraryChanges()
        var places: [TorrentID: Int64] = [:]
        if !self.unsaved.isEmpty {
            for (place, id) in self.queue.enumerated() { places[id] = Int64(place) }
        }
        for id in self.unsaved {
            if let row = self.row(of: id, queuePlace: places[id]) { new.rows.append(row) }
        }
        new.removed = self.goneFromRecord
        self.goneFromRecord = []
        new.happenings = self.happenings
        if self.mustSaveCategories { new.categories = Array(self.categories.values) }
        if self.mustSaveTags { new.tags = Array(self.tags) }
        if self.mustSavePreferences { new.settings = self.preferences.columns }
        if self.mustSaveTotals {
            let session = self.mirror.state.session
            new.settings = (new.settings ?? [:]).merging(
                [
                    "all_time_uploaded": "\(session.allTimeUploaded)",
                    "all_time_downloaded": "\(session.allTimeDownloaded)",
                ]
            ) { $1 }
        }
        self.unsaved = []
        self.happenings = []
        (self.mustSaveCategories, self.mustSaveTags) = (false, false)
        (self.mustSavePreferences, self.mustSaveTotals) = (false, false)
        changes.merge(new)
        return changes
    }

    private func row(of id: TorrentID, queuePlace: Int64?) -> LibraryRow? {
        guard let torrent = self.torrents[id], let line = self.line(of: id) else { return nil }
        var flags: LibraryRow.Flags = []
        if torrent.isStopped { flags.insert(.stopped) }
        if line.isForced { flags.insert(.forced) }
        if line.isManaged { flags.insert(.managed) }
        if line.isSequential { flags.insert(.sequential) }
        if line.wantsEndsFirst { flags.insert(.endsFirst) }
        if line.hasMetadata { flags.insert(.hasMetadata) }
        if !line.rootPath.isEmpty { flags.insert(.severalFiles) }
        if torrent.filesAreMissing { flags.insert(.filesMissing) }
        if torrent.mustBeChecked { flags.insert(.mustBeChecked) }
        if torrent.isRenamed { flags.insert(.renamed) }
        var files: [Int: LibraryRow.File] = [:]
        for (file, priority) in torrent.priorities { files[file, default: .init()].priority = priority }
        for (file, path) in torrent.renamed { files[file, default: .init()].path = path }
        return LibraryRow(
            line: line, flags: flags, queuePlace: queuePlace,
            failure: torrent.failure ?? "", root: Self.root(of: line), files: files,
            trackers: torrent.trackers)
    }

    /// The name of its content in its folder.
    private static func root(of line: TorrentSummary) -> String {
        let path = line.contentPath
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// Writes what has changed, without waiting for it.
    func save() {
        let changes = self.takeChanges()
        guard !changes.isEmpty else { return }
        self.write(changes) { _ in }
    }

    /// Writes what has changed; answers when it is on disk.
    func saved() async throws(CatalogFailure) {
        let changes = self.takeChanges()
        guard !changes.isEmpty else { return }
        let failure = await withCheckedContinuation { (done: CheckedContinuation<ResumeFailure?, Never>) in
            self.write(changes) { done.resume(returning: $0) }
        }
        if let failure { throw .failed("it could not be recorded: \(failure)") }
    }

    private func write(_ changes: LibraryChanges, _ done: @escaping @Sendable (ResumeFailure?) -> Void) {
        self.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            if changes.removed.isEmpty {
                try store.writeTables { database throws(StoreFailure) in try changes.write(to: database) }
            } else {
                try store.remove(changes.removed) { database throws(StoreFailure) in
                    try changes.write(to: database)
                }
            }
        } then: { [weak self] result in
            self?.assumeIsolated { $0.wrote(changes, result) }
            if case .failure(let failure) = result { done(failure) } else { done(nil) }
        }
    }

    /// What could not be written is written with the next change, or a minute later.
    private func wrote(_ changes: LibraryChanges, _ result: Result<Void, ResumeFailure>) {
        guard case .failure(let failure) = result else { return }
        var older = changes
        older.merge(self.failedChanges)
        self.failedChanges = older
        self.environment.report(.recordFailed("\(failure)"))
    }

    /// A new torrent, on disk with its description when the answer comes.
    func record(_ id: TorrentID, _ addition: ResumeAddition) async throws(CatalogFailure) {
        self.unsaved.insert(id)
        let changes = self.takeChanges()
        let result = await withCheckedContinuation {
            (done: CheckedContinuation<Result<Void, ResumeFailure>, Never>) in
            self.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
                try store.add([addition], removing: changes.removed) { database throws(StoreFailure) in
                    try changes.write(to: database)
                }
            } then: {
                done.resume(returning: $0)
            }
        }
        guard case .failure(let failure) = result else { return }
        // The torrent is none of ours then; what was on its way beside it is.
        var others = changes
        others.rows.removeAll { $0.line.id == id }
        others.happenings.removeAll { $0.id == id }
        self.wrote(others, result)
        throw .failed("it could not be recorded: \(failure)")
    }

    // MARK: Loading

    /// Takes over what the database says, and starts what is to run.
    func restore(_ loaded: LoadedLibrary) {
        self.preferences.take(loaded.settings)
        if let port = self.fixedPort { self.preferences.listeningPort = port }
        self.preferencesChanged = true
        self.allTimeUploaded = loaded.settings["all_time_uploaded"].flatMap { Int64($0) } ?? 0
        self.allTimeDownloaded = loaded.settings["all_time_downloaded"].flatMap { Int64($0) } ?? 0
        for category in loaded.categories { self.categories[category.name] = category }
        self.tags = Set(loaded.tags)
        self.categoriesChanged = !loaded.categories.isEmpty
        self.tagsChanged = !loaded.tags.isEmpty
        self.torrents.reserveCapacity(loaded.rows.count)
        var places: [(place: Int64, id: TorrentID)] = []
        for var row in loaded.rows {
            let id = row.line.id
            // Without a record there is neither its description nor its link: an addition that was cut short.
            guard let record = loaded.records[id] else { continue }
            row.take(record)
            self.torrents[id] = LibraryTorrent(row, record)
            self.lines[id] = row.line
            self.noteShareLimits(row.line.shareLimits, of: id)
            if let place = row.queuePlace { places.append((place, id)) }
            self.touched.insert(id)
        }
        self.queue = places.sorted { ($0.place, $0.id) < ($1.place, $1.id) }.map(\.id)
        self.applyConnectionSettings()
        self.listen()
        self.applyLimits()
        self.startSpreadSeconds = TorrentEngine.startSpreadSeconds(torrents: self.torrents.count)
        let count = self.torrents.count
        self.ask { $0.reserveDormant(count) }
        self.chooseCaps()
        self.arrangeQueue()
        for torrent in self.torrents.values { self.settle(torrent) }
        self.publish()
    }

    func recordedTimeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening] {
        let result = await withCheckedContinuation {
            (done: CheckedContinuation<Result<[TorrentHappening], ResumeFailure>, Never>) in
            self.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
                try store.readTables { database throws(StoreFailure) in try readTimeline(of: id, in: database)
                }
            } then: {
                done.resume(returning: $0)
            }
        }
        switch result {
        case .success(let happenings): return happenings
        case .failure(let failure): throw .failed("\(failure)")
        }
    }

    /// A torrent's description and what is recorded of its pieces; nil when there is none.
    func stored(_ id: TorrentID) async throws(CatalogFailure) -> StoredTorrent? {
        let result = await withCheckedContinuation {
            (done: CheckedContinuation<Result<StoredTorrent?, ResumeFailure>, Never>) in
            self.keeper.load(id, on: self.loop) { done.resume(returning: $0) }
        }
        switch result {
        case .success(let stored): return stored
        case .failure(let failure): throw .failed("\(failure)")
        }
    }
}

extension LibraryTorrent {
    convenience init(_ row: LibraryRow, _ record: ResumeRecord) {
        self.init(id: row.line.id)
        self.isStopped = row.flags.contains(.stopped)
        self.filesAreMissing = row.flags.contains(.filesMissing)
        self.mustBeChecked = row.flags.contains(.mustBeChecked)
        self.failure = row.failure.isEmpty ? nil : row.failure
        self.isRenamed = row.flags.contains(.renamed)
        self.saved = record.trackers
        self.storedLength = record.totalLength
        self.isRestored = true
        self.uploaded = record.uploaded
        self.downloaded = record.downloaded
        self.wasted = row.line.wasted
        self.activeSeconds = row.line.activeSeconds
        self.seedingSeconds = row.line.seedingSeconds
        self.pieces = record.have
        self.trackers = row.trackers
        for (number, file) in row.files {
            if file.priority != .normal { self.priorities[number] = file.priority }
            if let path = file.path { self.renamed[number] = path }
        }
    }
}
