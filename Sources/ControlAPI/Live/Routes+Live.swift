import HTTPServing
import JSONValues
import SwarmTypes
import TorrentCatalog

/// What the dashboard reads and does. Every change goes through here with a preview and a confirmation.
let liveRoutes: [Route] = [
    .get(
        "/api/ui/overview", "Caps, what is stuck, instances and sums, as the dashboard shows them",
        answer: .json(overviewSchema), failures: [],
        run: .later { call throws(APIError) in HTTPResponse(json: await call.live.overview()) }),
    .get(
        "/api/ui/caps/history", "What each tracker's torrents uploaded, by source",
        parameters: [
            .init(
                name: "range", summary: "1h in steps of 5 s, or 24h in steps of a minute",
                schema: .choice(CapHistory.Range.allCases.map(\.rawValue)))
        ],
        answer: .json(historyOfCapsSchema), failures: [400],
        run: .later { call throws(APIError) in
            guard let range = CapHistory.Range(rawValue: try call.parameter("range") ?? "1h") else {
                throw APIError(400, "bad_range", "range must be 1h or 24h.")
            }
            return jsonObject(reservingBytes: 16 * 1024) { call.live.writeHistory(range, to: &$0) }
        }),
    .get(
        "/api/ui/torrents", "All torrents of the engine: columns, and rows as arrays",
        answer: .json(torrentListSchema), failures: [],
        run: .later { call throws(APIError) in HTTPResponse(json: await call.live.list()) }),
    .get(
        "/api/ui/governed", "All torrents of the governed qBittorrents: rows as arrays, in the same columns",
        answer: .json(governedListSchema), failures: [],
        run: .later { call throws(APIError) in HTTPResponse(json: await call.live.governedList()) }),
    .get(
        "/api/ui/governed/torrent", "One governed torrent: which cap holds it, what it was given and why",
        parameters: [
            .init(
                name: "id", summary: "Its info-hash: 40 or 64 hexadecimal digits", schema: .string,
                isRequired: true),
            .init(name: "instance", summary: "The instance's name", schema: .string, isRequired: true),
        ],
        answer: .json(GovernedExplanation.schema), failures: [400, 404, 500, 503],
        run: .later { call throws(APIError) in
            let id = try call.torrentID()
            let key = GovernedRow.Key(instance: try call.parameter("instance") ?? "", id: id)
            guard let row = await call.control.governedTorrents().first(where: { $0.key == key }) else {
                throw APIError(404, "torrent_not_found", "There is no such torrent in that instance.")
            }
            let explanation = try await asking { () async throws(ControlFailure) in
                try await call.control.explanation(of: row, at: call.now())
            }
            return jsonObject { explanation.write(to: &$0) }
        }),
    .get(
        "/api/ui/torrent", "One torrent: verdict, timeline, trackers, peers, files",
        parameters: [
            .init(
                name: "id", summary: "Its info-hash: 40 or 64 hexadecimal digits", schema: .string,
                isRequired: true)
        ],
        answer: .json(torrentPageSchema), failures: [400, 404],
        run: .later { call throws(APIError) in
            let id = try call.torrentID()
            guard let torrents = call.live.torrents, let page = await TorrentPage.of(id, in: torrents) else {
                throw APIError(
                    404, "torrent_not_found", "There is no such torrent; it may have been removed.")
            }
            return jsonObject(reservingBytes: 8192) { page.write(to: &$0) }
        }),
    .get(
        "/api/ui/events",
        "Server-sent events: overview, torrents and governed (changed rows, removed ids), reset (fetch the list anew)",
        parameters: [
            .init(
                name: "since", summary: "The list's mark; Last-Event-ID goes before it", schema: .string)
        ],
        answer: .events, failures: [],
        run: .stream { call throws(APIError) in
            let asked = try call.parameter("since")
            let since = call.request.header("last-event-id") ?? asked
            let (live, request) = (call.live, call.request)
            return .streaming(.eventStream()) {
                live.open($0, after: since.flatMap { ListMark($0) }, asked: request)
            }
        }),
    .post(
        "/api/ui/torrents/preview", "What an action on torrents would change, without doing it",
        body: .json(
            TorrentAction.schema, remedy: "Send {\"action\": \"stop\", \"ids\": [\"HASH\"]} as JSON."),
        maximumBodyBytes: torrentListBytes, answer: .json(ActionPreview.schema), failures: [400, 409],
        run: .later { call throws(APIError) in
            let torrents = try call.engine()
            let preview = ActionPreview(try TorrentAction(call.body), torrents.mirror.state.rows)
            return jsonObject { preview.write(to: &$0) }
        }),
    .post(
        "/api/ui/torrents/apply", "Does an action on torrents; many, or a removal, need \"confirm\": true",
        body: .json(
            TorrentAction.schema,
            remedy: "Send {\"action\": \"stop\", \"ids\": [\"HASH\"], \"confirm\": true} as JSON."),
        maximumBodyBytes: torrentListBytes,
        answer: .json(.object(["action": .string, "done": .integer])), failures: [400, 404, 409, 500],
        run: .later { call throws(APIError) in
            let torrents = try call.engine()
            let action = try TorrentAction(call.body)
            guard action.isConfirmed || !action.needsConfirmation else {
                throw APIError(
                    400, "not_confirmed",
                    "This needs confirmation: look at /api/ui/torrents/preview, then send \"confirm\": true.")
            }
            let done: [TorrentID]
            do throws(CatalogFailure) {
                done = try await torrents.perform(action.command, on: action.targets)
            } catch {
                throw APIError(error)
            }
            return jsonObject { json in
                json.member("action", action.kind.rawValue)
                json.member("done", done.count)
            }
        }),
    .post(
        "/api/ui/torrents/add", "Adds a magnet link, or the http address of a .torrent file",
        body: .json(
            .object([
                "link": .string, "category": .optional(.string), "tags": .optional(.array(.string)),
                "directory": .optional(.string), "stopped": .optional(.boolean),
            ]), remedy: "Send {\"link\": \"magnet:?xt=…\"} as JSON."),
        answer: .json(.object(["id": .string])), failures: [400, 409, 500],
        run: .later { call throws(APIError) in
            guard let link = call.member("link")?.text, !link.isEmpty, link.utf8.count <= 8192 else {
                throw APIError(400, "bad_link", "\"link\" must be a magnet link or an http address.")
            }
            return try await add(.link(link), call) {
                call.member($0)?.text
            } tags: {
                call.member("tags")?.elements?.compactMap(\.text) ?? []
            } isStopped: {
                call.member("stopped")?.boolean
            }
        }),
    .post(
        "/api/ui/torrents/upload", "Adds a .torrent file, which is the body",
        parameters: [
            .init(name: "category", summary: "Its category", schema: .string),
            .init(name: "directory", summary: "Where its files go", schema: .string),
            .init(name: "stopped", summary: "true: not started", schema: .boolean),
        ],
        body: .torrent, maximumBodyBytes: 10 << 20, answer: .json(.object(["id": .string])),
        failures: [400, 409, 500],
        run: .later { call throws(APIError) in
            let query = call.request.query
            return try await add(.file(call.request.body), call) { name in
                query.first { $0.name == name }?.value
            } tags: {
                query.filter { $0.name == "tag" }.map(\.value)
            } isStopped: {
                query.first { $0.name == "stopped" }.map { $0.value == "true" }
            }
        }),
]

/// Room for 30,000 info-hashes.
private let torrentListBytes = 2 << 20

private func add(
    _ source: TorrentAddition.Source, _ call: RouteCall, text: (String) -> String?, tags: () -> [String],
    isStopped: () -> Bool?
) async throws(APIError) -> HTTPResponse {
    let torrents = try call.engine()
    var addition = TorrentAddition(source)
    addition.category = text("category") ?? ""
    addition.directory = text("directory").flatMap { $0.isEmpty ? nil : $0 }
    addition.tags = tags()
    addition.isStopped = isStopped()
    let id: TorrentID
    do throws(CatalogFailure) { id = try await torrents.add(addition) } catch { throw APIError(error) }
    return jsonObject { $0.member("id", id.hex) }
}

extension RouteCall {
    func torrentID() throws(APIError) -> TorrentID {
        if let id = TorrentID(hex: try self.parameter("id") ?? "") { return id }
        throw APIError(400, "bad_hash", "id must be an info-hash of 40 or 64 hexadecimal digits.")
    }

    func engine() throws(APIError) -> any TorrentDirecting {
        if let torrents = self.live.torrents { return torrents }
        throw APIError(
            409, "no_engine",
            "This Weir governs qBittorrents only and has no torrents of its own; add it there.")
    }
}

extension TorrentAction {
    /// One torrent's stop and start are undone by a click; many, and what is gone, are not.
    var needsConfirmation: Bool {
        if case .remove = self.command { return true }
        if case .some(let ids) = self.targets { return ids.count > 1 }
        return true
    }
}

extension APIError {
    init(_ failure: CatalogFailure) {
        switch failure {
        case .noSuchTorrent:
            self.init(404, "torrent_not_found", "There is no such torrent; it may have been removed.")
        case .alreadyThere(let id):
            self.init(409, "already_there", "This torrent is there already.", detail: ["id": id.hex])
        case .invalid(let words): self.init(400, "invalid", words)
        case .conflict(let words): self.init(409, "conflict", words)
        case .failed(let words): self.init(500, "failed", words)
        case .notSupported(let words): self.init(409, "not_supported", words)
        }
    }
}
