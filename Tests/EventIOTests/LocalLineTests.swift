import EventIO
import Glibc
import SwarmTypes
import Synchronization
import TestKit
import Testing

/// A loop on a thread of its own with one server on it.
private final class Served: Sendable {
    let loop: EventLoop
    let directory: LocalDirectory
    private let server = Lock<LocalLineServer?>(nil)

    init(
        _ path: String, name: String = "session", limits: LocalLineServer.Limits = .init(),
        answer: @escaping @Sendable (String) -> LocalLineServer.Pieces? = { line in pieces([line, "\n"]) }
    ) throws {
        self.loop = try EventLoop(name: "served")
        self.directory = try LocalDirectory(path, creates: true)
        let (loop, directory) = (self.loop, self.directory)
        let made = Shared<LocalLineServer?>(nil)
        let isMade = Gate()
        loop.post {
            let server = try? LocalLineServer(
                loop: loop, directory: directory, name: name, limits: limits, answer: answer)
            made.update { $0 = server }
            isMade.open()
        }
        try loop.start()
        isMade.wait()
        let found = try #require(made.value)
        self.server.withLock { $0 = found }
    }

    var name: String { self.server.withLock { $0?.name ?? "" } }

    /// Ends the loop, and the server with it.
    func end() {
        self.loop.stop()
        self.loop.join()
    }
}

/// Blocks a thread until another opens it.
private final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { self.isOpen.store(true, ordering: .releasing) }

    func wait() { while !self.isOpen.load(ordering: .acquiring) { sched_yield() } }
}

/// One after another.
private func pieces(_ texts: [String]) -> LocalLineServer.Pieces {
    let left = Shared(texts[...])
    return {
        let next = Shared<String?>(nil)
        left.update { left in
            let first = left.popFirst()
            next.update { $0 = first }
        }
        return next.value.map { Array($0.utf8) }
    }
}

/// A client without manners: connects and sends what it is told.
private final class RawClient {
    let descriptor: Int32

    init(_ path: String, sending bytes: [UInt8] = []) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        try #require(name.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        if !bytes.isEmpty { _ = send(self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    deinit { close(self.descriptor) }

    /// Everything until the other side closes.
    func receiveAll() -> Int {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var total = 0
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return total }
            total += count
        }
    }
}

private func answered(_ answers: [LocalAnswer]) -> [String: String] {
    Dictionary(
        uniqueKeysWithValues: answers.map { answer in
            (answer.name, answer.bytes.map { String(decoding: $0, as: UTF8.self) } ?? "silent")
        })
}

@Suite("Lines over local sockets", .timeLimit(.minutes(1)))
struct LocalLineTests {
    let temporary = TemporaryDirectory()
    var path: String { self.temporary.file("sockets") }

    @Test(
        "An answer may come later and from another thread; who has gone meanwhile, and who waits too long, gets none"
    )
    func later() async throws {
        let loop = try EventLoop(name: "served")
        let directory = try LocalDirectory(self.path, creates: true)
        let replies = Lock<[LocalLineServer.Reply]>([])
        let server = Shared<LocalLineServer?>(nil)
        let isMade = Gate()
        var limits = LocalLineServer.Limits()
        limits.seconds = 3
        loop.post { [limits] in
            let made = try? LocalLineServer(loop: loop, directory: directory, name: "later", limits: limits) {
                line, reply in
                if line == "now" { return reply(pieces(["at once"])) }
                if line == "none" { return reply(nil) }
                replies.withLock { $0.append(reply) }
            }
            server.update { $0 = made }
            isMade.open()
        }
        try loop.start()
        isMade.wait()
        #expect(answered(directory.ask("now")) == ["later.sock": "at once"])
        #expect(answered(directory.ask("none")) == ["later.sock": ""])
        let gone = try RawClient(directory.path + "/later.sock", sending: Array("gone\n".utf8))
        while replies.withLock({ $0.isEmpty }) { sched_yield() }
        shutdown(gone.descriptor, Int32(SHUT_RDWR))
        replies.withLock { $0.removeFirst() }(pieces(["to nobody"]))
        let asking = Task.detached { answered(directory.ask("wait")) }
        while replies.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) }
        replies.withLock { $0.removeFirst() }(pieces(["in", " pieces"]))
        #expect(await asking.value == ["later.sock": "in pieces"])
        // Nobody replies: the server ends it. What comes then is too late, and reaches nobody else.
        #expect(answered(directory.ask("never")) == ["later.sock": ""])
        replies.withLock { $0.removeFirst() }(pieces(["too late"]))
        #expect(answered(directory.ask("now")) == ["later.sock": "at once"])
        loop.stop()
        loop.join()
    }

    @Test("Everybody who listens in the folder answers, and is gone when its loop has ended")
    func answersOfAll() throws {
        let first = try Served(self.path, name: "1")
        let second = try Served(self.path, name: "2") { _ in pieces(["two", " pieces"]) }
        let asker = try LocalDirectory(self.path, creates: false)
        #expect(answered(asker.ask("hello")) == ["1.sock": "hello\n", "2.sock": "two pieces"])
        first.end()
        #expect(answered(asker.ask("again")) == ["2.sock": "two pieces"])
        #expect(access(self.temporary.file("sockets/1.sock"), F_OK) != 0)
        second.end()
        #expect(asker.ask("anybody").isEmpty)
    }

    @Test("Two sessions of one name live side by side")
    func namesakes() throws {
        let first = try Served(self.path, name: "7")
        let second = try Served(self.path, name: "7")
        #expect((first.name, second.name) == ("7.sock", "7-1.sock"))
        #expect(try LocalDirectory(self.path, creates: false).ask("x").count == 2)
        first.end()
        second.end()
    }

    @Test("A socket that nobody is behind is taken over by its namesake, and removed by who asks")
    func deserted() throws {
        let place = try LocalDirectory(self.path, creates: true)
        for name in ["7.sock", "8.sock"] { try self.leaveBehind(name) }
        let server = try Served(self.path, name: "7")
        #expect(server.name == "7.sock")
        #expect(answered(place.ask("x")) == ["7.sock": "x\n"])
        #expect(access(self.temporary.file("sockets/8.sock"), F_OK) != 0)
        #expect(access(self.temporary.file("sockets/7.sock"), F_OK) == 0)
        server.end()
    }

    @Test("What is no socket is left alone")
    func otherFiles() throws {
        let place = try LocalDirectory(self.path, creates: true)
        let file = self.temporary.file("sockets/9.sock")
        close(open(file, O_CREAT | O_WRONLY, 0o600))
        let server = try Served(self.path, name: "9")
        #expect(server.name == "9-1.sock")
        #expect(answered(place.ask("x")) == ["9-1.sock": "x\n"])
        #expect(access(file, F_OK) == 0)
        server.end()
    }

    @Test("A folder that is open to others, or is a symbolic link, or is missing, is not used")
    func unsafeFolders() throws {
        #expect(throws: LocalDirectoryFailure.system(SystemCallFailure(call: "open", code: ENOENT))) {
            try LocalDirectory(self.path, creates: false)
        }
        mkdir(self.path, 0o700)
        chmod(self.path, 0o750)
        #expect(throws: LocalDirectoryFailure.openToOthers) { try LocalDirectory(self.path, creates: true) }
        chmod(self.path, 0o700)
        #expect(throws: Never.self) { try LocalDirectory(self.path, creates: true) }
        let link = self.temporary.file("link")
        symlink(self.path, link)
        #expect(throws: LocalDirectoryFailure.self) { try LocalDirectory(link, creates: true) }
        if geteuid() == 0 {
            chown(self.path, 12345, 12345)
            #expect(throws: LocalDirectoryFailure.ownedByAnother) {
                try LocalDirectory(self.path, creates: true)
            }
        }
    }

    @Test("A path longer than a socket's name works")
    func longPaths() throws {
        let folder = self.temporary.file(String(repeating: "long", count: 40))
        let server = try Served(folder)
        #expect(answered(server.directory.ask("x")) == ["session.sock": "x\n"])
        server.end()
    }

    @Test("Requests that are too long, no text or not understood are closed without an answer")
    func hostileRequests() throws {
        let server = try Served(self.path) { line in line == "good" ? pieces(["yes"]) : nil }
        let place = self.temporary.file("sockets/session.sock")
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 5000)
        for bytes in [long, long + [10], [0xFF, 0xFE, 10], Array("bad\n".utf8), [10], Array("good".utf8)] {
            let client = try RawClient(place, sending: bytes)
            shutdown(client.descriptor, Int32(SHUT_WR))
            #expect(client.receiveAll() == 0)
        }
        let cut = try RawClient(place)
        for byte in Array("good\nmore".utf8) { _ = send(cut.descriptor, [byte], 1, Int32(MSG_NOSIGNAL)) }
        #expect(cut.receiveAll() == 3)
        server.end()
    }

    @Test("Silent clients and those that do not read are let go of, and others are served after them")
    func slowClients() throws {
        var limits = LocalLineServer.Limits()
        limits.clients = 4
        limits.seconds = 0.2
        let made = Shared(0)
        let server = try Served(self.path, limits: limits) { line in
            guard line == "much" else { return pieces([line]) }
            return {
                made.update { $0 += 1 }
                return [UInt8](repeating: 65, count: 65536)
            }
        }
        let place = self.temporary.file("sockets/session.sock")
        let silent = try (0..<8).map { _ in try RawClient(place) }
        let greedy = try (0..<8).map { _ in try RawClient(place, sending: Array("much\n".utf8)) }
        #expect(answered(server.directory.ask("hello")) == ["session.sock": "hello"])
        // What the kernel holds for them, and no endless answer is made ahead of who reads it.
        #expect(made.value < 8 * 16)
        for client in silent { #expect(client.receiveAll() == 0) }
        for client in greedy { #expect(client.receiveAll() > 0) }
        server.end()
    }

    @Test("A large answer comes whole")
    func largeAnswer() throws {
        let server = try Served(self.path) { _ in
            pieces((0..<200).map { String(repeating: "\($0 % 10)", count: 40000) })
        }
        let answers = server.directory.ask("x")
        #expect(answers.first?.bytes?.count == 200 * 40000)
        #expect(server.directory.ask("x", maximumBytes: 1000).first?.bytes == nil)
        server.end()
    }

    @Test("Whoever does not answer is named after the time that was given, beside those who do")
    func silence() throws {
        let place = try LocalDirectory(self.path, creates: true)
        let stopped = try self.leaveBehind("1.sock", listening: true)
        let server = try Served(self.path, name: "2")
        #expect(answered(place.ask("x", seconds: 0.1)) == ["1.sock": "silent", "2.sock": "x\n"])
        close(stopped)
        server.end()
    }

    /// A socket as a killed process leaves it, or as a stopped one has it.
    @discardableResult
    private func leaveBehind(_ name: String, listening: Bool = false) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(self.temporary.file("sockets/\(name)").utf8)
        try #require(path.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        if listening { listen(descriptor, 8) } else { close(descriptor) }
        return descriptor
    }
}
