import Foundation
import HTTPFetching
import SwarmTypes
import TestKit

/// A torrent of `FakeQBittorrent`.
struct FakeTorrent: Sendable {
    var id: TorrentID
    var state = "stalledUP"
    var upspeed = 0
    var uploaded = 1000
    var limit = 0
    var leeches = 0
    var seeds = 0
    var lastActivity = 1_700_000_000
    var progress = "1"
    var addedOn = 1_600_000_000
    var trackers = ["https://tracker.example/announce"]

    init(_ number: Int) {
        var random = SplitMix64(seed: UInt64(number) &+ 77)
        let bytes = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an identifier") }
        self.id = id
    }

    var magnet: String {
        let allowed = CharacterSet.alphanumerics
        let names = self.trackers.map {
            "&tr=" + ($0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        return "magnet:?xt=urn:btih:\(self.id.hex)&dn=a%26tr%3Db" + names.joined()
    }

    /// Field names and values as JSON.
    var fields: [String: String] {
        [
            "state": "\"\(self.state)\"", "upspeed": "\(self.upspeed)", "uploaded": "\(self.uploaded)",
            "uploaded_session": "0", "up_limit": "\(self.limit)",
            "num_leechs": "\(self.leeches)", "num_seeds": "\(self.seeds)",
            "last_activity": "\(self.lastActivity)",
            "progress": self.progress, "added_on": "\(self.addedOn)", "magnet_uri": "\"\(self.magnet)\"",
            "name": "\"Name \\u00e9 \(self.addedOn)\"", "category": "\"films\"", "tags": "\"a, b\"",
            "save_path": "\"/data\"", "size": "16384", "ratio": "1.5", "private": "null",
        ]
    }
}

/// The parts of qBittorrent that the client uses, with the differences between versions.
final class FakeQBittorrent: @unchecked Sendable {
    // `@unchecked Sendable`: everything that changes is read and written under `lock`.
    private let lock = NSLock()
    private var torrents: [TorrentID: FakeTorrent] = [:]
    private var sessions: [String: Session] = [:]
    private var loginFailures = 0
    private var nextSession = 1
    private var settings = Settings()

    struct Settings: Sendable {
        var api = "2.8.19"
        var password = "secret"
        var apiKey: String?
        var needsLogin = true
        var cookieName = "SID"
        /// From 5.2: 204 and 401 instead of "Ok." and "Fails.".
        var answersByStatus = false
        /// Another program uses the same session: no differences, ever.
        var isSessionShared = false
        /// Replaces the answer to an action, as often as given.
        var faults: [String: [Answer]] = [:]
        var alltime = 5000
        var uploadedThisSession = 900
        /// What `sync/maindata` still says of limits, which it learns of late.
        var staleLimits: [TorrentID: Int] = [:]
    }

    private struct Session {
        var responseID = 0
        var sent: [TorrentID: [String: String]] = [:]
    }

    init(api: String = "2.8.19", torrents: Int = 0) {
        self.settings.api = api
        for number in 0..<torrents {
            let torrent = FakeTorrent(number)
            self.torrents[torrent.id] = torrent
        }
    }

    /// Changes settings or torrents.
    func change(_ body: (inout Settings) -> Void) { self.lock.withLock { body(&self.settings) } }

    var all: [TorrentID: FakeTorrent] {
        get { self.lock.withLock { self.torrents } }
        set { self.lock.withLock { self.torrents = newValue } }
    }

    /// Ends every session, as a restart does.
    func restart() {
        self.lock.withLock {
            self.sessions = [:]
            self.loginFailures = 0
        }
    }

    func answer(_ request: FetchRequest) -> Answer {
        self.lock.withLock {
            let action = request.action
            if var faults = self.settings.faults[action], !faults.isEmpty {
                let fault = faults.removeFirst()
                self.settings.faults[action] = faults
                if case .cutAfter(let count, let response) = fault, response.body.isEmpty {
                    // The server's own answer, cut: it counts as sent.
                    guard case .response(let whole) = self.respond(request, action) else { return fault }
                    return .cutAfter(count, whole)
                }
                return fault
            }
            return self.respond(request, action)
        }
    }

    private func respond(_ request: FetchRequest, _ action: String) -> Answer {
        if action == "auth/login" { return self.logIn(request) }
        var name = request.header("Cookie").flatMap { cookie in
            cookie.components(separatedBy: "; ").first { $0.hasPrefix("\(self.settings.cookieName)=") }
        }
        if let key = self.settings.apiKey, request.header("Authorization") == "Bearer \(key)" { name = "key" }
        var headers: [(name: String, value: String)] = []
        if name == "key", self.sessions["key"] == nil { self.sessions["key"] = Session() }
        if name.map({ self.sessions[$0] == nil }) ?? true {
            guard !self.settings.needsLogin else { return .status(403, "Forbidden") }
            name = self.newSession()
            headers = [("set-cookie", "\(name ?? ""); HttpOnly; path=/; SameSite=Strict")]
        }
        guard case .response(var response) = self.perform(request, action, session: name ?? "") else {
            return .status(500)
        }
        response.headers += headers
        return .response(response)
    }

    private func newSession() -> String {
        self.nextSession += 1
        let name = "\(self.settings.cookieName)=s\(self.nextSession)"
        self.sessions[name] = Session()
        return name
    }

    private func logIn(_ request: FetchRequest) -> Answer {
        if self.loginFailures >= 5 { return .status(403, "Your IP address has been banned") }
        let isGood = request.parameters["password"] == self.settings.password || !self.settings.needsLogin
        guard isGood else {
            self.loginFailures += 1
            return self.settings.answersByStatus ? .status(401, "Unauthorized") : .status(200, "Fails.")
        }
        let cookie = [(name: "set-cookie", value: "\(self.newSession()); HttpOnly; path=/")]
        return self.settings.answersByStatus
            ? .status(204, headers: cookie) : .status(200, "Ok.", headers: cookie)
    }

    private func perform(_ request: FetchRequest, _ action: String, session: String) -> Answer {
        let parameters = request.parameters
        let named = (parameters["hashes"] ?? "").split(separator: "|").compactMap { TorrentID(hex: $0) }
        switch action {
        case "app/version": return .status(200, "v4.5.2")
        case "app/webapiVersion": return .status(200, self.settings.api)
        case "torrents/info":
            var listed = self.torrents.values.sorted { $0.addedOn < $1.addedOn }
            if parameters["hashes"] != nil { listed = named.compactMap { self.torrents[$0] } }
            if parameters["filter"] == "active" { listed = listed.filter { $0.upspeed > 0 } }
            let rows = listed.map { object($0.fields.merging(["hash": "\"\($0.id.hex)\""]) { $1 }) }
            return .status(200, "[\(rows.joined(separator: ","))]")
        case "torrents/uploadLimit":
            return .status(
                200,
                object(
                    Dictionary(
                        uniqueKeysWithValues: named.map {
                            ($0.hex, "\(self.torrents[$0]?.limit ?? -1)")
                        })))
        case "torrents/setUploadLimit":
            for id in named { self.torrents[id]?.limit = Int(parameters["limit"] ?? "") ?? 0 }
            return .status(200)
        case "transfer/info":
            let uploaded = self.settings.uploadedThisSession
            return .status(
                200, "{\"up_info_speed\":1,\"up_info_data\":\(uploaded),\"up_rate_limit\":0}")
        case "sync/maindata": return .status(200, self.mainData(Int(parameters["rid"] ?? "") ?? 0, session))
        default: return .status(404, "Not Found")
        }
    }

    /// As 4.6.0 to 5.2.3: differences from what was last sent, whether or not that arrived.
    private func mainData(_ responseID: Int, _ name: String) -> String {
        var session = self.sessions[name] ?? Session()
        let isFull = responseID == 0 || responseID != session.responseID || self.settings.isSessionShared
        session.responseID += 1
        var rows: [String: String] = [:]
        let known = self.torrents.mapValues { torrent in
            var torrent = torrent
            torrent.limit = self.settings.staleLimits[torrent.id] ?? torrent.limit
            return torrent
        }
        for (id, torrent) in known {
            let before = isFull ? nil : session.sent[id]
            let changed = torrent.fields.filter { before?[$0.key] != $0.value }
            if !changed.isEmpty { rows[id.hex] = object(changed) }
        }
        var members = [
            "rid": "\(session.responseID)", "server_state": "{\"alltime_ul\":\(self.settings.alltime)}",
        ]
        if isFull { members["full_update"] = "true" }
        if !rows.isEmpty { members["torrents"] = object(rows) }
        let gone = isFull ? [] : session.sent.keys.filter { self.torrents[$0] == nil }
        if !gone.isEmpty {
            members["torrents_removed"] = "[\(gone.map { "\"\($0.hex)\"" }.joined(separator: ","))]"
        }
        session.sent = known.mapValues(\.fields)
        self.sessions[name] = session
        return object(members)
    }
}

private func object(_ members: [String: String]) -> String {
    "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
}
