import EventIO
import LibraryPolicy
public import SwarmTypes
public import TorrentCatalog
import TorrentEngine

/// Categories, tags and what is set for all.
extension TorrentLibrary {
    public func create(_ category: TorrentCategory) async throws(CatalogFailure) {
        guard self.categories[category.name] == nil else {
            throw .conflict("there is a category \"\(category.name)\" already")
        }
        try self.createCategory(category)
        self.publish()
        try await self.saved()
    }

    func createCategory(_ category: TorrentCategory) throws(CatalogFailure) {
        self.categories[category.name] = try self.checked(category)
        (self.categoriesChanged, self.mustSaveCategories) = (true, true)
    }

    public func edit(_ category: TorrentCategory) async throws(CatalogFailure) {
        guard self.categories[category.name] != nil else {
            throw .conflict("there is no category \"\(category.name)\"")
        }
        self.categories[category.name] = try self.checked(category)
        (self.categoriesChanged, self.mustSaveCategories) = (true, true)
        for torrent in self.torrents.values where self.line(of: torrent.id)?.category == category.name {
            self.followCategory(torrent)
        }
        self.publish()
        try await self.saved()
    }

    private func checked(_ category: TorrentCategory) throws(CatalogFailure) -> TorrentCategory {
        guard TorrentCategory.isName(category.name) else {
            throw .invalid("\"\(category.name)\" is no category's name")
        }
        var category = category
        if !category.directory.isEmpty { category.directory = try self.checkedFolder(category.directory) }
        return category
    }

    /// Torrents of these have no category then.
    public func removeCategories(_ names: [String]) async throws(CatalogFailure) {
        for name in names where self.categories.removeValue(forKey: name) != nil {
            (self.categoriesChanged, self.mustSaveCategories) = (true, true)
            for torrent in self.torrents.values where self.line(of: torrent.id)?.category == name {
                self.change(torrent.id) { $0.category = "" }
                self.followCategory(torrent)
            }
        }
        self.publish()
        try await self.saved()
    }

    public func createTags(_ names: [String]) async throws(CatalogFailure) {
        _ = try self.checkedTags(names)
        self.publish()
        try await self.saved()
    }

    public func deleteTags(_ names: [String]) async throws(CatalogFailure) {
        let names = Set(names)
        guard !self.tags.isDisjoint(with: names) else { return }
        self.tags.subtract(names)
        (self.tagsChanged, self.mustSaveTags) = (true, true)
        for torrent in self.torrents.values {
            guard let line = self.line(of: torrent.id), !names.isDisjoint(with: line.tags) else { continue }
            self.change(torrent.id) { $0.tags.removeAll { names.contains($0) } }
        }
        self.publish()
        try await self.saved()
    }

    /// Sorted, without repetition; those that are new are there from now on.
    func checkedTags(_ names: [String]) throws(CatalogFailure) -> [String] {
        for name in names {
            guard TorrentCategory.isTag(name) else { throw .invalid("\"\(name)\" is no tag's name") }
        }
        let new = Set(names).subtracting(self.tags)
        if !new.isEmpty {
            self.tags.formUnion(new)
            (self.tagsChanged, self.mustSaveTags) = (true, true)
        }
        return Set(names).sorted()
    }

    static let mostBannedHosts = 10_000

    public func changePreferences(
        _ change: @escaping @Sendable (inout LibraryPreferences) throws(CatalogFailure) -> Void
    ) async throws(CatalogFailure) {
        var preferences = self.preferences
        try change(&preferences)
        try await self.setPreferences(preferences)
    }

    func setPreferences(_ preferences: LibraryPreferences) async throws(CatalogFailure) {
        let old = self.preferences
        guard preferences != old else { return }
        var new = preferences
        new.directory = try self.checkedFolder(new.directory)
        if let port = self.fixedPort { new.listeningPort = port }
        new.watchFolders = try new.watchFolders.map { folder throws(CatalogFailure) in
            try self.checkedFolder(folder)
        }
        guard new.maximumConnections > 0, new.maximumPeersPerTorrent > 0 else {
            throw .invalid("at least one connection is needed")
        }
        new.bannedHosts = Set(new.bannedHosts.map { $0.with(port: 0) }).sorted { $0.host < $1.host }
        guard new.bannedHosts.count <= Self.mostBannedHosts else {
            throw .invalid("more than \(Self.mostBannedHosts) hosts cannot be banned")
        }
        self.preferences = new
        (self.preferencesChanged, self.mustSavePreferences) = (true, true)
        self.scheduleWasOn = new.schedule == old.schedule ? self.scheduleWasOn : nil
        self.alternativeLimitsAreOn = new.usesAlternativeLimits
        self.applyLimits()
        self.applySchedule()
        self.applyConnectionSettings()
        if new.queue != old.queue { self.arrangeQueue() }
        if new.watchFolders != old.watchFolders { self.watchFolders() }
        if new.listeningPort != old.listeningPort || new.mapsPort != old.mapsPort { self.listen() }
        if new.shareLimits != old.shareLimits { self.touched.formUnion(self.torrents.keys) }
        if new.directory != old.directory {
            for torrent in self.torrents.values { self.followCategory(torrent) }
        }
        self.publish()
        try await self.saved()
    }

    func listen() {
        let (port, mapsPort) = (self.preferences.listeningPort, self.preferences.mapsPort)
        let failure: SystemCallFailure? = self.ask { engine in
            do throws(SystemCallFailure) {
                try engine.listen(at: port, mapsPort: mapsPort)
                return nil
            } catch {
                return error
            }
        }
        if let failure { self.environment.report(.notListening("\(failure)")) }
    }

    func applyConnectionSettings() {
        let preferences = self.preferences
        self.ask { engine in
            engine.setConnectionLimits(
                all: preferences.maximumConnections, perTorrent: preferences.maximumPeersPerTorrent)
            engine.setEncryption(preferences.encryption)
            engine.setExchangesPeers(preferences.exchangesPeers)
            engine.setBannedHosts(preferences.bannedHosts)
        }
    }

    public func ban(_ peers: [PeerAddress]) async throws(CatalogFailure) {
        var preferences = self.preferences
        preferences.bannedHosts += peers
        try await self.setPreferences(preferences)
    }
}
