import HTTPServing
import SwarmTypes
import TorrentCatalog

/// Torrents that are added, and changes of one torrent.
let torrentChanges: [FacadeRoute] = [
    .set("torrents/add") { call async throws(FacadeRefusal) in try await call.addTorrents() },
    .set("torrents/rename") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let name = trimmed(try call.text("name").split(whereSeparator: \.isNewline).joined(separator: " "))
        guard !name.isEmpty else { throw FacadeRefusal(409, "Incorrect torrent name") }
        return try await call.perform(.rename(name), on: .some([id]))
    },
    .set("torrents/renameFile") { call async throws(FacadeRefusal) in try await call.renamePath() },
    .set("torrents/renameFolder") { call async throws(FacadeRefusal) in try await call.renamePath() },
    .set("torrents/filePrio") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        guard let priority = try Int64(call.text("priority")).flatMap({ FilePriority(facadeValue: $0) })
        else {
            throw FacadeRefusal(400, "Priority must be an integer of 0, 1, 6 or 7")
        }
        let texts = try call.list("id", separatedBy: "|")
        let files = texts.compactMap { Int($0) }
        guard files.count == texts.count, !files.isEmpty else {
            throw FacadeRefusal(400, "File IDs must be integers")
        }
        do throws(FacadeRefusal) {
            return try await call.perform(.setFilePriority(files: files, priority), on: .some([id]))
        } catch {
            throw error.status == 400 ? FacadeRefusal(409, "File ID is not valid") : error
        }
    },
    .set("torrents/addTrackers") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let urls = try call.text("urls").split(whereSeparator: \.isNewline).map { trimmed(String($0)) }
        return try await call.addTrackers(urls.filter { !$0.isEmpty }, to: id)
    },
    .set("torrents/editTracker") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        // 5.2 calls the old one "url".
        let old = try call.text("origUrl", or: "url")
        return try await call.perform(
            .replaceTracker(old, by: try call.text("newUrl")), on: .some([id]))
    },
    .set("torrents/removeTrackers") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let urls = try call.list("urls", separatedBy: "|")
        do throws(FacadeRefusal) {
            return try await call.perform(.removeTrackers(urls), on: .some([id]))
        } catch {
            // None of them is there, which is what was wanted.
            guard error.status == 409 else { throw error }
            return .done
        }
    },
    .set("torrents/createCategory") { call async throws(FacadeRefusal) in
        let category = try call.category()
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.create(category)
        }
    },
    .set("torrents/editCategory") { call async throws(FacadeRefusal) in
        let category = try call.category()
        // Without it, torrents would move to the usual folder.
        _ = try call.text("savePath")
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.edit(category)
        }
    },
    .set("torrents/removeCategories") { call async throws(FacadeRefusal) in
        let names = try call.text("categories").split(whereSeparator: \.isNewline).map { String($0) }
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.removeCategories(names)
        }
    },
    .set("torrents/createTags") { call async throws(FacadeRefusal) in
        let names = try call.list("tags", separatedBy: ",")
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.createTags(names)
        }
    },
    .set("torrents/deleteTags") { call async throws(FacadeRefusal) in
        let names = try call.list("tags", separatedBy: ",")
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.deleteTags(names)
        }
    },
]

extension FacadeCall {
    func changing(
        _ body: (any TorrentDirecting) async throws(CatalogFailure) -> Void
    ) async throws(FacadeRefusal) -> HTTPResponse {
        try await self.asking(body)
        return .done
    }

    fileprivate func category() throws(FacadeRefusal) -> TorrentCategory {
        let name = trimmed(try self.text("category"))
        guard !name.isEmpty else { throw FacadeRefusal(400, "Category cannot be empty") }
        guard TorrentCategory.isName(name) else { throw FacadeRefusal(409, "Incorrect category name") }
        return TorrentCategory(name: name, directory: cleanedPath(self["savePath"] ?? ""))
    }

    /// Those that are no trackers' addresses are passed over, where others are beside them.
    fileprivate func addTrackers(_ urls: [String], to id: TorrentID) async throws(FacadeRefusal)
        -> HTTPResponse
    {
        do throws(FacadeRefusal) {
            return try await self.perform(.addTrackers(urls), on: .some([id]))
        } catch {
            guard error.status == 400 else { throw error }
            var isAdded = false
            for url in urls {
                do throws(FacadeRefusal) {
                    try await self.perform(.addTrackers([url]), on: .some([id]))
                    isAdded = true
                } catch {
                    guard error.status == 400 else { throw error }
                }
            }
            guard isAdded else { throw error }
            return .done
        }
    }

    fileprivate func renamePath() async throws(FacadeRefusal) -> HTTPResponse {
        let id = try self.torrent()
        let (old, new) = (try self.text("oldPath"), try self.text("newPath"))
        do throws(FacadeRefusal) {
            return try await self.perform(.renamePath(from: old, to: new), on: .some([id]))
        } catch {
            throw error.status == 400 ? FacadeRefusal(409, error.text) : error
        }
    }

    /// Answers "Ok." when anything was added, "Fails." when nothing was, 415 for a file that is no torrent.
    fileprivate func addTorrents() async throws(FacadeRefusal) -> HTTPResponse {
        var sources = self.files.map { TorrentAddition.Source.file($0) }
        for line in (self["urls"] ?? "").split(whereSeparator: \.isNewline) {
            let link = trimmed(String(line))
            if !link.isEmpty { sources.append(.link(link)) }
        }
        var added = 0
        for source in sources {
            let addition = self.addition(source)
            do throws(CatalogFailure) {
                _ = try await self.directing.add(addition)
                added += 1
            } catch {
                if case .invalid = error, case .file = source {
                    throw FacadeRefusal(415, "Error: the file is not a valid torrent file.")
                }
            }
        }
        return .text(added > 0 ? "Ok." : "Fails.")
    }

    private func addition(_ source: TorrentAddition.Source) -> TorrentAddition {
        var addition = TorrentAddition(source)
        addition.directory = self["savepath"].flatMap { $0.isEmpty ? nil : cleanedPath($0) }
        // What cannot be a category or a tag is left out, and no reason not to add the torrent.
        addition.category = self["category"].flatMap { TorrentCategory.isName($0) ? $0 : nil } ?? ""
        addition.tags = (self["tags"] ?? "").split(separator: ",").map { trimmed(String($0)) }
            .filter { TorrentCategory.isTag($0) }
        addition.name = self["rename"].flatMap { $0.isEmpty ? nil : $0 }
        addition.isStopped = self.flag("stopped") ?? self.flag("paused")
        addition.isTrusted = self.flag("skip_checking") ?? self.flag("seedMode") ?? false
        addition.uploadLimit = self.limit("upLimit")
        addition.downloadLimit = self.limit("dlLimit")
        addition.shareLimits = self.sentShareLimits
        addition.isSequential = self.flag("sequentialDownload") ?? false
        addition.wantsEndsFirst = self.flag("firstLastPiecePrio") ?? false
        addition.isManaged = self.flag("autoTMM")
        addition.goesToTop = self.flag("addToTopOfQueue") ?? false
        addition.isForced = self.flag("forced") ?? false
        return addition
    }
}
