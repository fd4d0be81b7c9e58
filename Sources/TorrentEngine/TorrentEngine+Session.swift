import EventIO
import MetainfoCoding
import SwarmCore
public import SwarmTypes
public import TorrentStorage

/// Torrents of an earlier session.
extension TorrentEngine {
    /// Adds every torrent of the record that is not here yet and was not stopped by its owner, as it was left. No payload
    /// is read.
    /// - Parameters:
    ///   - options: for all of them; each has its own directory and selection.
    ///   - cap: the name of the cap of a torrent with these announce URLs; asked only for those that begin asleep.
    ///   - body: called for each of the others on the loop, before anything else is told of it.
    public func restoreRecorded(
        _ options: AddOptions, cap: @escaping @Sendable (TorrentID, [String]) -> String? = { _, _ in nil },
        _ body: @escaping @Sendable (TorrentID) -> Void,
        then done: @escaping @Sendable (Result<Int, ResumeFailure>) -> Void
    ) {
        guard let keeper = self.record?.keeper else { return done(.success(0)) }
        keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            try store.count()
        } then: { [weak self] result in
            self?.assumeIsolated { engine in
                var options = options
                let count = (try? result.get()) ?? 0
                options.startSpreadSeconds = Self.startSpreadSeconds(torrents: count)
                engine.reserveDormant(count)
                engine.restoreRecorded(from: keeper, options, cap, body, then: done)
            }
        }
    }

    private func restoreRecorded(
        from keeper: ResumeKeeper, _ options: AddOptions,
        _ cap: @escaping @Sendable (TorrentID, [String]) -> String?,
        _ body: @escaping @Sendable (TorrentID) -> Void,
        then done: @escaping @Sendable (Result<Int, ResumeFailure>) -> Void
    ) {
        keeper.stream(on: self.loop) { [weak self] records in
            self?.assumeIsolated { engine in
                for record in records where record.state != .paused && engine.torrents[record.torrent] == nil
                {
                    guard !engine.restoreAsleep(record, options, cap) else { continue }
                    body(record.torrent)
                    engine.restore(record.torrent, options)
                }
            }
        } then: {
            done($0)
        }
    }

    /// What was complete and well sleeps until a peer asks for it; then its files are looked at. Answers whether it does.
    private func restoreAsleep(
        _ record: ResumeRecord, _ options: AddOptions, _ cap: (TorrentID, [String]) -> String?
    ) -> Bool {
        guard record.state == .running, record.have == .all, record.pieceCount > 0, !options.distrustsRecord
        else { return self.dormant.table.contains(record.torrent) }
        var options = options
        options.directory = record.directory
        options.isRestored = true
        options.cap = cap(record.torrent, Array(record.trackers.tiers.joined()))
        let outline = TorrentOutline(
            id: record.torrent, name: record.name, totalLength: record.totalLength,
            pieceCount: Int32(clamping: record.pieceCount), isPrivate: record.trackers.isPrivate,
            tiers: record.trackers.tiers)
        do throws(AddFailure) {
            try self.addDormant(
                outline, options, from: .session, uploadedBefore: record.uploaded,
                downloadedBefore: record.downloaded)
        } catch {
            // It is there already, awake or asleep.
        }
        return true
    }

    /// Records torrents that were added dormant, for the next start; `done` hears when they are on disk, or cannot be.
    public func recordDormant(
        _ additions: [(outline: TorrentOutline, metainfo: [UInt8])], _ options: AddOptions,
        then done: @escaping @Sendable () -> Void
    ) {
        guard let keeper = self.record?.keeper, !additions.isEmpty else { return done() }
        let now = wallSeconds()
        let additions = additions.map { outline, metainfo in
            ResumeAddition(
                ResumeRecord(
                    torrent: outline.id, name: outline.name, directory: options.directory,
                    totalLength: outline.totalLength, pieceCount: Int(outline.pieceCount), have: .all,
                    addedAt: now, trackers: SavedTrackers(tiers: outline.tiers, isPrivate: outline.isPrivate)),
                metainfo: metainfo)
        }
        keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            try store.add(additions)
        } then: { [weak self] result in
            if case .failure(let failure) = result {
                self?.assumeIsolated { $0.observer?(.recordFailed(failure.description)) }
            }
            done()
        }
    }

    public var keepsRecord: Bool { self.record != nil }

    private func restore(_ id: TorrentID, _ options: AddOptions) {
        self.record?.keeper.load(id, on: self.loop) { [weak self] result in
            self?.assumeIsolated { $0.restored(id, result, options) }
        }
    }

    private func restored(
        _ id: TorrentID, _ result: Result<StoredTorrent?, ResumeFailure>, _ options: AddOptions
    ) {
        guard self.whenStopped == nil else { return }
        do throws(RestoreFailure) {
            let stored: StoredTorrent
            switch result {
            case .failure(let failure): throw RestoreFailure(words: failure.description)
            case .success(nil): throw RestoreFailure(words: "its record is gone")
            case .success(.some(let found)): stored = found
            }
            var options = options
            options.directory = stored.record.directory
            options.stored = stored
            options.isRestored = true
            let source = try stored.source
            do throws(AddFailure) {
                try self.add(source, options)
            } catch {
                throw RestoreFailure(words: error.description)
            }
        } catch {
            self.observer?(.failed(id, error.words))
        }
    }

    /// Goes on with a magnet link: its metadata may have come in an earlier session.
    func openLink(_ torrent: ActiveTorrent) {
        let id = torrent.core.id
        guard let record = self.record else { return self.followLink(torrent) }
        if let stored = torrent.stored, stored.metainfo == nil {
            torrent.stored = nil
            return self.followLink(torrent)
        }
        record.keeper.load(id, on: self.loop) { [weak self] result in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], torrent.state == .fetchingMetadata,
                    torrent.metainfo == nil
                else { return }
                if case .success(.some(let stored)) = result, engine.reopen(stored, torrent) { return }
                engine.mustRecord(torrent, .running, selection: nil)
                engine.followLink(torrent)
            }
        }
    }

    private func followLink(_ torrent: ActiveTorrent) {
        self.announceStart(torrent)
        self.observer?(.running(torrent.core.id))
    }

    /// Whether the record has the metadata that the link names.
    private func reopen(_ stored: StoredTorrent, _ torrent: ActiveTorrent) -> Bool {
        guard let bytes = stored.metainfo,
            let metainfo = try? Metainfo(torrentFile: bytes, hashing: .openSSL),
            torrent.link?.names(metainfo) ?? false
        else { return false }
        torrent.stored = stored
        self.metadataReceived(Array(metainfo.infoBytes), of: torrent)
        return true
    }
}

private struct RestoreFailure: Error {
    var words: String
}

extension StoredTorrent {
    fileprivate var source: TorrentSource {
        get throws(RestoreFailure) {
            if let bytes = self.metainfo {
                do throws(MetainfoFailure) {
                    return .metainfo(try Metainfo(torrentFile: bytes, hashing: .openSSL))
                } catch {
                    throw RestoreFailure(words: "its recorded metainfo is damaged: \(error)")
                }
            }
            guard let text = self.details.link, let link = try? MagnetLink(text) else {
                throw RestoreFailure(words: "neither its metainfo nor its magnet link is recorded")
            }
            return .magnet(link)
        }
    }
}
