import HTTPServing
import SwarmTypes
import TorrentCatalog

/// Torrents that are added, and changes of one torrent.
let torrentChanges: [FacadeRoute] = [
    .set("torrents/add") { call async throws(FacadeRefusal) in try await call.addTorrents() },
    .set("torrents/rename") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let name = trimmed(try call.text("name"))
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
        guard files.count == texts.count else { throw FacadeRefusal(400, "File IDs must be integers") }
        return try await call.perform(.setFilePriority(files: files, priority), on: .some([id]))
    },
    .set("torrents/addTrackers") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let urls = try call.text("urls").split(whereSeparator: \.isNewline).map { trimmed(String($0)) }
        return try await call.perform(.addTrackers(urls.filter { !$0.isEmpty }), on: .some([id]))
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
        return try await call.perform(
            .removeTrackers(try call.list("urls", separatedBy: "|")), on: .some([id]))
    },
    .set("torrents/createCategory") { call async throws(FacadeRefusal) in
        let category = try call.category()
        guard !category.name.isEmpty else { throw FacadeRefusal(400, "Category cannot be empty") }
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.create(category)
        }
    },
    .set("torrents/editCategory") { call async throws(FacadeRefusal) in
        let category = try call.category()
        guard !category.name.isEmpty else { throw FacadeRefusal(400, "Category cannot be empty") }
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
        TorrentCategory(name: trimmed(try self.text("category")), directory: self["savePath"] ?? "")
    }

    fileprivate func renamePath() async throws(FacadeRefusal) -> HTTPResponse {
        let id = try self.torrent()
        let (old, new) = (try self.text("oldPath"), try self.text("newPath"))
        return try await self.perform(.renamePath(from: old, to: new), on: .some([id]))
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
        addition.directory = self["savepath"].flatMap { $0.isEmpty ? nil : $0 }
        addition.category = self["category"] ?? ""
        addition.tags = (self["tags"] ?? "").split(separator: ",").map { trimmed(String($0)) }
            .filter { !$0.isEmpty }
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
