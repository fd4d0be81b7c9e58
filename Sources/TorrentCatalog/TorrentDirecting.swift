public import StallDiagnosis
public import SwarmTypes

/// What surfaces ask of the torrents behind them. From any thread; what comes back is a snapshot.
///
/// Lists are read from the `CatalogMirror`, which costs the engine nothing.
public protocol TorrentDirecting: Sendable {
    var mirror: CatalogMirror { get }

    // Of one torrent.
    func files(of id: TorrentID) async throws(CatalogFailure) -> [FileLine]
    func trackers(of id: TorrentID) async throws(CatalogFailure) -> [TrackerLine]
    func peers(of id: TorrentID) async throws(CatalogFailure) -> [PeerLine]
    func pieces(of id: TorrentID) async throws(CatalogFailure) -> [PieceStatus]
    /// Of version 1, 20 bytes each.
    func pieceHashes(of id: TorrentID) async throws(CatalogFailure) -> [UInt8]
    /// The .torrent file's bytes.
    func metainfo(of id: TorrentID) async throws(CatalogFailure) -> [UInt8]
    func webSeeds(of id: TorrentID) async throws(CatalogFailure) -> [String]
    /// Why it does or does not move, with all that is known of its peers.
    func snapshot(of id: TorrentID) async throws(CatalogFailure) -> TorrentSnapshot
    /// The newest first.
    func timeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening]

    func add(_ addition: TorrentAddition) async throws(CatalogFailure) -> TorrentID
    /// Answers the torrents that it was done to. Torrents that are not there are passed over.
    @discardableResult
    func perform(_ command: TorrentCommand, on targets: TorrentTargets) async throws(CatalogFailure)
        -> [TorrentID]

    // Of all.
    func create(_ category: TorrentCategory) async throws(CatalogFailure)
    func edit(_ category: TorrentCategory) async throws(CatalogFailure)
    func removeCategories(_ names: [String]) async throws(CatalogFailure)
    func createTags(_ names: [String]) async throws(CatalogFailure)
    func deleteTags(_ names: [String]) async throws(CatalogFailure)
    /// Changes what is set as it is then, so that of two who change something at once neither takes the other's change back.
    func changePreferences(
        _ change: @escaping @Sendable (inout LibraryPreferences) throws(CatalogFailure) -> Void
    ) async throws(CatalogFailure)
    func ban(_ peers: [PeerAddress]) async throws(CatalogFailure)
}
