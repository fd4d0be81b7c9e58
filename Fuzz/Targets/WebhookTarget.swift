import HTTPServing
import JSONValues

@testable import ControlAPI

/// The webhook answers 202, 400, 413, 415 or 429 and nothing else, and notes an event exactly when it answers
/// 202. Every other POST answers 200, 400 or 415, and a command is given exactly when it answers 200. Every
/// answer is JSON.
///
/// The first byte chooses the route and the kind of the body, the second whether there is room for an event.
let webhookTarget = FuzzTarget(name: "webhook") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let choice = reader.byte()
    let control = RecordingControl(hookCapacity: reader.byte() == UInt8(ascii: "f") ? 0 : 1)
    let handler = ControlHandler(control: control, policy: AccessPolicy(), version: "1", now: { 1 })
    var path = "/webhook"
    var contentType: String?
    switch choice {
    case UInt8(ascii: "u"): contentType = "application/x-www-form-urlencoded"
    case UInt8(ascii: "m"): contentType = "multipart/form-data; boundary=b"
    case UInt8(ascii: "j"): contentType = "application/json"
    case UInt8(ascii: "t"): contentType = String(decoding: reader.line() ?? [], as: UTF8.self)
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
        path = commandPaths[Int(choice - UInt8(ascii: "0")) % commandPaths.count]
        contentType = "application/json"
    default: break
    }
    let request = HTTPRequest(
        method: "POST", path: path,
        headers: [("host", "localhost")] + (contentType.map { [("content-type", $0)] } ?? []),
        body: Array(reader.rest))
    let response = try runInline { await handler.response(to: request) }

    if path == "/webhook" {
        try require([202, 400, 413, 415, 429].contains(response.status), "answered \(response.status)")
        try require(
            control.hooks.count == (response.status == 202 ? 1 : 0),
            "\(control.hooks.count) events noted, and answered \(response.status)")
    } else {
        try require([200, 400, 415].contains(response.status), "\(path) answered \(response.status)")
        try require(
            control.commands == (response.status == 200 ? 1 : 0),
            "\(path): \(control.commands) commands, and answered \(response.status)")
    }
    do {
        _ = try JSONReader.read(response.body)
    } catch {
        throw BrokenInvariant("an answer that is not JSON: \(String(decoding: response.body, as: UTF8.self))")
    }
}

/// Of the governor: those of the dashboard need torrents of our own, which there are none here.
private let commandPaths = routeTable.filter {
    $0.method == .post && $0.right == .control && !$0.path.hasPrefix("/api/")
}.map(\.path)

extension ControlHandler {
    fileprivate func response(to request: HTTPRequest) async -> HTTPResponse {
        switch self.answer(request) {
        case .now(let response): response
        case .later(let run): await run()
        case .streaming(let head, _): head
        }
    }
}
