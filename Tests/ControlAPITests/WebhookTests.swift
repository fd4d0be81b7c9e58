import ControlAPI
import Foundation
import HTTPServing
import SwarmTypes
import TestKit
import Testing

private let hash = "0123456789abcdef0123456789abcdef01234567"
private let formType = "application/x-www-form-urlencoded"

private func hookRequest(_ body: [UInt8], type: String?) -> HTTPRequest {
    var headers = localHost
    if let type { headers.append(("content-type", type)) }
    return HTTPRequest(method: "POST", path: "/webhook", headers: headers, body: body)
}

private func multipart(_ parts: [(String, String)], boundary: String = "xYz") -> String {
    parts.map { "--\(boundary)\r\nContent-Disposition: form-data; \($0.0)\r\n\r\n\($0.1)\r\n" }.joined()
        + "--\(boundary)--\r\n"
}

/// Bodies that are accepted, of every kind.
private let goodBodies: [(body: String, type: String?)] = [
    ("event=added&hash=\(hash)", formType), ("hash=\(hash)", formType), ("hash=\(hash.uppercased())", nil),
    (
        "event=complete&hash=\(hash)&name=A%20%26+B%3D&tracker=&category=&tags=a%2Cb&save_path=%2Fdata",
        formType + "; charset=utf-8"
    ),
    (#"{"event":"delete","hash":"\#(hash)","size":1,"files":[{"a":null}]}"#, "application/json"),
    (#" {"hash":"\#(hash)"}"#, nil),
    (multipart([("name=\"hash\"", hash), ("name=\"event\"", "added")]), "multipart/form-data; boundary=xYz"),
    (
        multipart([("name=hash", hash), ("name=\"f\"", "\u{0}")]),
        "multipart/form-data; boundary=\"xYz\""
    ),
]

@Suite("Webhook")
struct WebhookTests {
    private func post(_ body: String, type: String? = formType, to governor: FakeGovernor = FakeGovernor())
        async -> HTTPResponse
    {
        await handler(governor).response(to: hookRequest(Array(body.utf8), type: type))
    }

    @Test("A form, a multipart form and JSON are taken alike and answered 202", arguments: goodBodies.indices)
    func kinds(index: Int) async throws {
        let governor = FakeGovernor()
        let response = await post(goodBodies[index].body, type: goodBodies[index].type, to: governor)
        #expect(response.status == 202)
        #expect(try response.object()["status"] as? String == "queued")
        #expect(try response.object()["queue_size"] as? Int == 1)
        #expect(try response.object()["processing_time_ms"] as? Double == 0)
        #expect(governor.hooks.map(\.torrent) == [TorrentID(hex: hash)])
    }

    @Test(
        "Events are known by every name in use; another one is a hint, and the answer says so",
        arguments: [
            ("add", HookEvent.Kind.added), ("added", .added), ("ADDED", .added), ("complete", .completed),
            ("completed", .completed), ("delete", .deleted), ("deleted", .deleted),
            ("rollback", .unspecified),
            ("", .unspecified), ("<script>\u{1}\"", .unspecified),
        ])
    func events(name: String, kind: HookEvent.Kind) async throws {
        let governor = FakeGovernor()
        let encoded = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let response = await post("hash=\(hash)&event=\(encoded)", to: governor)
        #expect(governor.hooks == [HookEvent(kind: kind, torrent: TorrentID(hex: hash))])
        let message = try response.object()["message"] as? String
        #expect((message?.contains("unknown event") == true) == (kind == .unspecified))
    }

    @Test("A v2 hash is cut to what clients use, and a missing v1 hash is a hint without a torrent")
    func hashes() async {
        let governor = FakeGovernor()
        _ = await post("hash=\(hash)\(hash.prefix(24))", to: governor)
        _ = await post("hash=-", to: governor)
        #expect(governor.hooks.map(\.torrent) == [TorrentID(hex: hash), nil])
    }

    @Test(
        "What cannot be believed is refused by name, and nothing is noted",
        arguments: [
            ("", "hash_missing"), ("event=added", "hash_missing"), ("hash=", "bad_hash"),
            ("hash=xyz", "bad_hash"),
            ("hash=\(hash)0", "bad_hash"), ("hash=--", "bad_hash"),
            ("hash=%00\(hash.dropFirst())", "bad_hash"),
            ("hash=\(hash)&hash=\(hash)", "repeated_field"),
            ("hash=\(hash)&event=added&event=rollback", "repeated_field"),
            ("hash=\(hash)&a=1&a=2", "repeated_field"), ("hash=\(hash)&name=%", "bad_form"),
            ("hash=\(hash)&n=%zz", "bad_form"),
            ("hash=\(hash)&n=%ff", "bad_form"), ("hash=\(hash)&%68ash=\(hash)", "repeated_field"),
            ("hash=\(hash)" + (0..<70).map { "&k\($0)=" }.joined(), "too_many_fields"),
        ])
    func refusedForms(body: String, code: String) async throws {
        let governor = FakeGovernor()
        let response = await post(body, to: governor)
        #expect(response.status == 400)
        #expect(try response.errorCode() == code)
        #expect(try response.object()["status"] as? String == "error")
        #expect(governor.hooks.isEmpty)
    }

    @Test(
        "JSON that cannot be believed is refused by name",
        arguments: [
            ("{}", "hash_missing"), ("[]", "bad_json"), ("null", "bad_json"), ("{", "bad_json"),
            (#"{"hash":7}"#, "bad_hash"),
            (#"{"hash":["\#(hash)"]}"#, "bad_hash"), (#"{"hash":"\#(hash)","hash":"\#(hash)"}"#, "bad_json"),
            (#"{"hash":"\#(hash)","event":1}"#, "bad_event"),
            (#"{"hash":"\#(hash)","n":\#(String(repeating: "[", count: 60_000))"#, "bad_json"),
        ])
    func refusedJSON(body: String, code: String) async throws {
        let governor = FakeGovernor()
        let response = await post(body, type: "application/json", to: governor)
        #expect(response.status == 400)
        #expect(try response.errorCode() == code)
        #expect(governor.hooks.isEmpty)
    }

    @Test(
        "A multipart body must follow its boundary, and a file is no hash",
        arguments: [
            (multipart([("name=\"hash\"; filename=\"x\"", hash)]), "multipart/form-data; boundary=xYz", 400),
            (
                multipart([("name=\"hash\"; filename*=UTF-8''x", hash)]), "multipart/form-data; boundary=xYz",
                400
            ),
            (
                multipart([("name=\"hash\"", hash), ("name=\"event\"; filename=\"x\"", "added")]),
                "multipart/form-data; boundary=xYz", 400
            ),
            (
                multipart([("name=\"hash\"", hash), ("name=\"hash\"", hash)]),
                "multipart/form-data; boundary=xYz", 400
            ),
            (multipart([("nonsense", hash)]), "multipart/form-data; boundary=xYz", 400),
            (multipart([("name=\"hash\"", hash)]), "multipart/form-data; boundary=other", 400),
            (multipart([("name=\"hash\"", hash)]), "multipart/form-data", 415),
            (multipart([("name=\"hash\"", hash)]), "multipart/form-data; boundary=", 415),
            (
                multipart([("name=\"hash\"", hash)]),
                "multipart/form-data; boundary=\"\(String(repeating: "\\", count: 4000))", 415
            ),
            (multipart((0..<70).map { ("name=\"k\($0)\"", "") }), "multipart/form-data; boundary=xYz", 400),
            ("hash=\(hash)", "image/png", 415),
        ])
    func refusedMultipart(body: String, type: String, status: Int) async {
        let governor = FakeGovernor()
        #expect(await post(body, type: type, to: governor).status == status)
        #expect(governor.hooks.isEmpty)
    }

    @Test("Wherever a body is cut, it is accepted whole or refused", arguments: goodBodies.indices)
    func everyCut(index: Int) async {
        let bytes = Array(goodBodies[index].body.utf8)
        for length in 0..<bytes.count {
            let governor = FakeGovernor()
            let response = await handler(governor).response(
                to: hookRequest(Array(bytes.prefix(length)), type: goodBodies[index].type))
            #expect([202, 400].contains(response.status))
            #expect(governor.hooks.count == (response.status == 202 ? 1 : 0))
            // A cut hash is never taken for another torrent's.
            #expect(governor.hooks.allSatisfy { $0.torrent == TorrentID(hex: hash) })
        }
    }

    @Test("A full queue is 429 with a time to come back, never a lie")
    func full() async throws {
        let governor = FakeGovernor(hookCapacity: 2)
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(await post("hash=\(hash)", to: governor).status) }
        #expect(statuses == [202, 202, 429, 429])
        let refused = await post("hash=\(hash)", to: governor)
        #expect(refused.header("retry-after") == "1")
        #expect(try refused.errorCode() == "queue_full")
    }

    @Test("A name of a megabyte is over the limit, one just under it is taken")
    func longName() async {
        let governor = FakeGovernor()
        #expect(
            await post("hash=\(hash)&name=" + String(repeating: "a", count: 1 << 20), to: governor).status
                == 413)
        #expect(governor.hooks.isEmpty)
        #expect(
            await post("hash=\(hash)&name=" + String(repeating: "a", count: 65_000), to: governor).status
                == 202)
    }

    @Test("From another machine and under another name it needs no key")
    func remote() async {
        let governor = FakeGovernor()
        let policy = AccessPolicy(isBoundToLoopback: false, boundAddress: "0.0.0.0", apiKey: "key")
        var sent = hookRequest(Array("hash=\(hash)".utf8), type: formType)
        sent.headers[0] = ("host", "qguardarr:8089")
        #expect(await handler(governor, policy).response(to: sent).status == 202)
        #expect(governor.hooks.count == 1)
    }

    /// 6,000 bodies: 100 mutations of each of 60 seeds.
    @Test("No body makes it trap or take a torrent that is not in the body", arguments: 0..<60)
    func mutated(seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        let governor = FakeGovernor()
        let handler = handler(governor)
        for _ in 0..<100 {
            let (body, type) = goodBodies[Int.random(in: goodBodies.indices, using: &random)]
            var bytes = Array(body.utf8)
            for _ in 0..<Int.random(in: 1...8, using: &random) { mutate(&bytes, using: &random) }
            let types = [type, nil, "application/json", formType, "multipart/form-data; boundary=xYz"]
            let sent = hookRequest(bytes, type: types[Int.random(in: 0..<types.count, using: &random)])
            let before = governor.hooks.count
            let response = await handler.response(to: sent)
            #expect([202, 400, 413, 415].contains(response.status))
            #expect(governor.hooks.count == before + (response.status == 202 ? 1 : 0))
            #expect(throws: Never.self) { try response.object() }
        }
    }

    private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix64) {
        let special = Array("%&=\"\\{}[]:,\r\n-;\u{0}".utf8) + [0xFF, 0xC3, 0xED]
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes.insert(special[Int.random(in: 0..<special.count, using: &random)], at: place)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 2: if place < bytes.count { bytes.remove(at: place) }
        case 3: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 4: bytes.removeSubrange(place...)
        default: bytes.insert(contentsOf: bytes.prefix(Int.random(in: 0...40, using: &random)), at: place)
        }
    }
}
