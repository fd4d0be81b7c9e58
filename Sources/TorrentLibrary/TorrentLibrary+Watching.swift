import EventIO
import SwarmTypes
import TorrentCatalog

/// Folders whose files are added.
extension TorrentLibrary {
    func watchFolders() {
        let folders = self.preferences.watchFolders
        if self.watched == nil, !folders.isEmpty {
            do throws(SystemCallFailure) {
                self.watched = try WatchedFolders { [weak self] path, found in
                    guard let self else { return }
                    Task(executorPreference: self.loop) { await self.addWatched(path, found) }
                }
            } catch {
                self.environment.report(.watched(file: folders.first ?? "", problem: error.description))
            }
        }
        self.watched?.watch(folders)
    }

    private func addWatched(_ path: String, _ found: WatchedFolders.Found) async {
        let addition =
            switch found {
            case .torrent(let bytes): TorrentAddition(.file(bytes))
            case .link(let text): TorrentAddition(.link(text))
            }
        do throws(CatalogFailure) {
            _ = try await self.add(addition)
            self.watched?.settle(path, .added)
            self.environment.report(.watched(file: path, problem: nil))
        } catch {
            switch error {
            case .alreadyThere: self.watched?.settle(path, .added)
            case .invalid, .notSupported:
                self.watched?.settle(path, .invalid)
                self.environment.report(.watched(file: path, problem: error.words))
            default:
                self.watched?.settle(path, .later)
                self.environment.report(.watched(file: path, problem: error.words))
            }
        }
    }
}

extension CatalogFailure {
    /// For people.
    var words: String {
        switch self {
        case .noSuchTorrent: "there is no such torrent"
        case .alreadyThere: "the torrent is there already"
        case .invalid(let words), .conflict(let words), .failed(let words), .notSupported(let words): words
        }
    }
}
