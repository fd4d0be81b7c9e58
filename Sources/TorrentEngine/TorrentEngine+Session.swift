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
    ///   - body: called for each on the loop, before anything else is told of it.
    public func restoreRecorded(
        _ options: AddOptions, _ body: @escaping @Sendable (TorrentID) -> Void,
        then done: @escaping @Sendable (Result<Int, ResumeFailure>) -> Void
    ) {
        guard let keeper = self.record?.keeper else { return done(.success(0)) }
        keeper.stream(on: self.loop) { [weak self] records in
            self?.assumeIsolated { engine in
                for record in records where record.state != .paused && engine.torrents[record.torrent] == nil
                {
                    body(record.torrent)
                    engine.restore(record.torrent, options)
                }
            }
        } then: {
            done($0)
        }
    }

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
