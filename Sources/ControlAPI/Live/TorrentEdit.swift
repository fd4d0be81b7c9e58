import HTTPServing
import JSONValues
import SwarmTypes
import TorrentCatalog

/// What a person changes on one torrent's page.
///
/// A tracker is named by its place and its masked address, since the page never sees the key in it: when the list has changed
/// meanwhile, nothing is done.
struct TorrentEdit: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case name, path, priority, sequential
        case endsFirst = "ends_first"
        case addTrackers = "add_trackers"
        case replaceTracker = "replace_tracker"
        case removeTracker = "remove_tracker"
    }

    private static let maximumTrackers = 100
    private static let maximumFiles = 100_000

    let kind: Kind
    let id: TorrentID
    private let body: JSONValue

    init(_ body: JSONValue) throws(APIError) {
        guard let kind = body["edit"]?.text.flatMap({ Kind(rawValue: $0) }) else {
            let names = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(400, "bad_edit", "\"edit\" must be one of \(names).")
        }
        guard let id = body["id"]?.text.flatMap({ TorrentID(hex: $0) }) else {
            throw APIError(400, "bad_hash", "\"id\" must be an info-hash of 40 or 64 hexadecimal digits.")
        }
        self.kind = kind
        self.id = id
        self.body = body
    }

    func command(in torrents: any TorrentDirecting) async throws(APIError) -> TorrentCommand {
        switch self.kind {
        case .name: return .rename(try self.text("name"))
        case .path: return .renamePath(from: try self.text("from"), to: try self.text("to"))
        case .priority: return try self.priority()
        case .sequential: return .setSequential(try self.flag())
        case .endsFirst: return .setEndsFirst(try self.flag())
        case .addTrackers:
            let urls = self.body["urls"]?.elements?.compactMap(\.text) ?? []
            guard !urls.isEmpty, urls.count <= Self.maximumTrackers,
                urls.count == self.body["urls"]?.elements?.count,
                urls.allSatisfy({ $0.utf8.count <= 2000 })
            else {
                throw APIError(
                    400, "bad_urls", "\"urls\" must be a list of 1 to \(Self.maximumTrackers) addresses.")
            }
            return .addTrackers(urls)
        case .replaceTracker:
            let new = try self.text("by")
            return .replaceTracker(try await self.tracker(in: torrents), by: new)
        case .removeTracker: return .removeTrackers([try await self.tracker(in: torrents)])
        }
    }

    private func text(_ name: String) throws(APIError) -> String {
        guard let text = self.body[name]?.text, !text.isEmpty, text.utf8.count <= 2000 else {
            throw APIError(400, "bad_\(name)", "\"\(name)\" must be a text of 1 to 2000 bytes.")
        }
        return text
    }

    private func flag() throws(APIError) -> Bool {
        guard let flag = self.body["on"]?.boolean else {
            throw APIError(400, "bad_on", "\"on\" must be true or false.")
        }
        return flag
    }

    private func priority() throws(APIError) -> TorrentCommand {
        let files = self.body["files"]?.elements?.compactMap { $0.integer.flatMap { Int(exactly: $0) } } ?? []
        guard !files.isEmpty, files.count <= Self.maximumFiles,
            files.count == self.body["files"]?.elements?.count,
            files.allSatisfy({ $0 >= 0 })
        else { throw APIError(400, "bad_files", "\"files\" must be a list of the files' numbers.") }
        guard let priority = self.body["priority"]?.text.flatMap({ FilePriority(rawValue: $0) }) else {
            let names = FilePriority.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(400, "bad_priority", "\"priority\" must be one of \(names).")
        }
        return .setFilePriority(files: files, priority)
    }

    /// The whole address of the tracker that the page has named.
    private func tracker(in torrents: any TorrentDirecting) async throws(APIError) -> String {
        guard let place = self.body["place"]?.integer.flatMap({ Int(exactly: $0) }) else {
            throw APIError(400, "bad_place", "\"place\" must be the tracker's place in the list, from 0.")
        }
        let shown = try self.text("url")
        let lines: [TrackerLine]
        do throws(CatalogFailure) { lines = try await torrents.trackers(of: self.id) } catch {
            throw APIError(error)
        }
        guard lines.indices.contains(place), MaskedTracker(lines[place].url).url == shown else {
            throw APIError(409, "trackers_changed", "The list of trackers has changed; look at it again.")
        }
        return lines[place].url
    }

    static let schema = Schema.object([
        "id": .string, "edit": .choice(Kind.allCases.map(\.rawValue)), "name": .optional(.string),
        "from": .optional(.string), "to": .optional(.string), "files": .optional(.array(.integer)),
        "priority": .optional(.choice(FilePriority.allCases.map(\.rawValue))), "on": .optional(.boolean),
        "urls": .optional(.array(.string)), "place": .optional(.integer), "url": .optional(.string),
        "by": .optional(.string),
    ])
}

let editRoutes: [Route] = [
    .post(
        "/api/ui/torrent/edit",
        "Changes one torrent: its name, its files' names and priorities, its trackers",
        body: .json(
            TorrentEdit.schema, remedy: #"Send {"id": "HASH", "edit": "name", "name": "…"} as JSON."#),
        maximumBodyBytes: 1 << 20, answer: .json(.object(["edit": .string])), failures: [400, 404, 409, 500],
        run: .later { call throws(APIError) in
            let torrents = try call.engine()
            let edit = try TorrentEdit(call.body)
            guard torrents.mirror.row(of: edit.id) != nil else {
                throw APIError(
                    404, "torrent_not_found", "There is no such torrent; it may have been removed.")
            }
            let command = try await edit.command(in: torrents)
            do throws(CatalogFailure) {
                try await torrents.perform(command, on: .some([edit.id]))
            } catch {
                throw APIError(error)
            }
            return jsonObject { $0.member("edit", edit.kind.rawValue) }
        })
]
