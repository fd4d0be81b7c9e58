// Serves the real page and the real API over torrents that are made up, for the test of the page in a browser and for
// working on it. Not a part of the product.
//
//     page-fixture [PORT [TORRENTS [FOLDER [locked|open [GOVERNED]]]]]
//
// GOVERNED torrents are in the made-up qBittorrents. With a folder that is not "-" the page's files are read from there, anew with each start. When it is locked, nobody may
// do anything before somebody was set up with the token "let me in". Prints its address; ends with its input.

import ControlAPI
import Dashboard
import EventIO
import Foundation
import HTTPServing

let arguments = CommandLine.arguments.dropFirst().map { $0 }
let port = arguments.first.flatMap { UInt16($0) } ?? 0
let isLocked = arguments.dropFirst(3).first == "locked"
let governedCount = arguments.dropFirst(4).first.flatMap { Int($0) } ?? 0
let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 12_000

/// Made once the port is known.
final class LateHandler: HTTPHandling {
    let handler = Lock<ControlHandler?>(nil)

    func maximumBodyBytes(method: String, path: String) -> Int {
        self.handler.withLock { $0 }?.maximumBodyBytes(method: method, path: path) ?? 0
    }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        self.handler.withLock { $0 }?.answer(request) ?? .now(HTTPResponse(status: 503))
    }
}

func files() -> [StaticFile] {
    let folder = arguments.dropFirst(2).first.flatMap { $0 == "-" ? nil : URL(fileURLWithPath: $0) }
    return DashboardFile.all.map { file in
        let name = file.path == "/" ? "index.html" : String(file.path.dropFirst())
        let bytes = folder.flatMap { try? Data(contentsOf: $0.appendingPathComponent(name)) }
        return StaticFile(
            path: file.path, type: file.type,
            tag: bytes == nil ? file.tag : "\"\(UInt64.random(in: 0 ... .max))\"",
            bytes: bytes.map { Array($0) } ?? file.bytes)
    }
}

/// Seconds since 1970, as far as the page is told: it begins an hour and more ago and soon is now.
let behind = Lock(4500.0)
@Sendable func now() -> Double { Date().timeIntervalSince1970 - behind.withLock { $0 } }

let loop = try EventLoop(name: "page")
let library = MadeUpLibrary(count: count)
let governor = MadeUpGovernor(hasInstances: count != 0, torrents: governedCount)
let feed = LiveFeed(
    torrents: library, control: governor, version: "0.0.0-test", now: now)
let late = LateHandler()
let server = try HTTPServer(loop: loop, address: "127.0.0.1", port: port, handler: late)
let handler = ControlHandler(
    control: governor,
    policy: AccessPolicy(
        listeningPort: server.port, access: isLocked ? MadeUpAccess() : nil, guests: isLocked ? .nothing : nil
    ),
    version: "0.0.0-test", live: feed,
    files: files(), now: now)
late.handler.withLock { $0 = handler }
try loop.start()

// The history fills in no time.
while behind.withLock({ $0 }) > 0 {
    governor.move()
    library.moveCaps()
    for _ in 0..<5 { await feed.tick() }
    behind.withLock { $0 -= 5 }
}
try FileHandle.standardOutput.write(contentsOf: Data("http://127.0.0.1:\(server.port)/\n".utf8))

// Not on the first thread, which waits for its input.
let ticking = Task.detached { [library, governor, feed] in
    while !Task.isCancelled {
        library.move()
        library.moveCaps()
        governor.move()
        await feed.tick()
        try? await Task.sleep(for: .seconds(1))
    }
}
while readLine() != nil {}
ticking.cancel()
server.stop()
loop.stop()
loop.join()
