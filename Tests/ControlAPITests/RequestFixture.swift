import ControlAPI
import Foundation
import HTTPServing
import SwarmTypes
import Testing

typealias Headers = [(name: String, value: String)]

let localHost: Headers = [("host", "localhost:8089")]
let jsonType: Headers = [("content-type", "application/json")]

func request(
    _ method: String, _ path: String, query: [(name: String, value: String)] = [],
    headers: Headers = localHost,
    body: String = ""
) -> HTTPRequest {
    HTTPRequest(method: method, path: path, query: query, headers: headers, body: Array(body.utf8))
}

/// A POST of a JSON body from this machine.
func posting(_ path: String, _ json: String) -> HTTPRequest {
    request("POST", path, headers: localHost + jsonType, body: json)
}

func handler(
    _ governor: FakeGovernor = FakeGovernor(), _ policy: AccessPolicy = AccessPolicy(access: FakeAccess()),
    _ library: FakeLibrary? = FakeLibrary(), files: [StaticFile] = []
) -> ControlHandler {
    ControlHandler(
        control: governor, policy: policy, version: "1.2.3", live: feed(governor, library), files: files,
        now: { 1_756_900_000.25 })
}

func feed(_ governor: FakeGovernor = FakeGovernor(), _ library: FakeLibrary? = FakeLibrary()) -> LiveFeed {
    LiveFeed(torrents: library, control: governor, version: "1.2.3", now: { 1_756_900_000.25 })
}

extension ControlHandler {
    func response(to request: HTTPRequest) async -> HTTPResponse {
        switch self.answer(request) {
        case .now(let response): response
        case .later(let run): await run()
        case .streaming(let head, _): head
        }
    }
}

extension HTTPResponse {
    func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }

    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// As a second, independent reader of JSON sees it.
    func object(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(self.body))
        return try #require(value as? [String: Any], sourceLocation: sourceLocation)
    }

    func errorCode() throws -> String? { (try self.object()["error"] as? [String: Any])?["code"] as? String }
}
