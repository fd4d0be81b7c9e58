import EventIO
import Glibc
import SwarmTypes
import Testing

private func makePipe() -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    return (ends[0], ends[1])
}

@Suite("Descriptors, signals and the service manager", .timeLimit(.minutes(1)))
struct WatchTests {
    let loop: EventLoop

    init() throws { self.loop = try EventLoop(name: "watch") }

    @Test("A handler hears of readable and hung-up descriptors, and of nothing once unwatched")
    func watchesDescriptors() throws {
        let loop = self.loop
        let (reader, writer) = makePipe()
        let seen = Shared<[Readiness]>([])
        loop.post {
            #expect(throws: Never.self) {
                try loop.watch(reader, for: .readable) { ready in
                    seen.update { $0.append(ready) }
                    var byte: UInt8 = 0
                    if ready.contains(.readable) {
                        #expect(read(reader, &byte, 1) == 1)
                        close(writer)
                    } else {
                        loop.unwatch(reader)
                        close(reader)
                        loop.schedule(afterSeconds: 0.005) { loop.stop() }
                    }
                }
            }
        }
        #expect(write(writer, "x", 1) == 1)
        try loop.start()
        loop.join()
        #expect(seen.value == [.readable, .hungUp])
    }

    @Test("A handler that unwatches its neighbour in the same turn keeps it from being called")
    func unwatchNeighbour() throws {
        let loop = self.loop
        let (first, second) = (makePipe(), makePipe())
        let calls = Shared(0)
        loop.post {
            for (own, other) in [(first.reader, second.reader), (second.reader, first.reader)] {
                #expect(throws: Never.self) {
                    try loop.watch(own, for: .readable) { _ in
                        calls.update { $0 += 1 }
                        loop.unwatch(own)
                        loop.unwatch(other)
                        loop.schedule(afterSeconds: 0.005) { loop.stop() }
                    }
                }
            }
        }
        #expect(write(first.writer, "x", 1) == 1)
        #expect(write(second.writer, "x", 1) == 1)
        try loop.start()
        loop.join()
        #expect(calls.value == 1)
        for descriptor in [first.reader, first.writer, second.reader, second.writer] { close(descriptor) }
    }

    @Test("The interest can be changed, and watching nonsense is an error with a name")
    func modifies() throws {
        let loop = self.loop
        let (reader, writer) = makePipe()
        let seen = Shared<[Readiness]>([])
        loop.post {
            #expect(throws: SystemCallFailure(call: "epoll_ctl", code: EBADF)) {
                try loop.watch(9999, for: .readable) { _ in }
            }
            #expect(throws: SystemCallFailure(call: "epoll_ctl", code: ENOENT)) {
                try loop.modify(writer, for: .writable)
            }
            #expect(throws: Never.self) {
                try loop.watch(writer, for: []) { ready in
                    seen.update { $0.append(ready) }
                    loop.stop()
                }
                try loop.modify(writer, for: .writable)
            }
        }
        try loop.start()
        loop.join()
        #expect(seen.value == [.writable])
        close(reader)
        close(writer)
    }

    @Test("A handler that holds its loop does not keep it beyond its end")
    func handlersAreReleased() throws {
        let (reader, writer) = makePipe()
        weak var weakLoop: EventLoop?
        do {
            let other = try EventLoop(name: "short-lived")
            weakLoop = other
            other.post {
                #expect(throws: Never.self) { try other.watch(reader, for: .readable) { _ in other.stop() } }
            }
            #expect(write(writer, "x", 1) == 1)
            try other.start()
            other.join()
        }
        #expect(weakLoop == nil)
        close(reader)
        close(writer)
    }

    @Test("Signals reach the handler on the loop, in a program whose threads block them")
    func signals() throws {
        let loop = self.loop
        let seen = Shared<[Int32]>([])
        var watch: SignalWatch?
        // Thread-directed signals, because the other threads of a test process do not block them.
        loop.post {
            SignalWatch.block([SIGUSR1, SIGUSR2])
            pthread_kill(pthread_self(), SIGUSR1)
            pthread_kill(pthread_self(), SIGUSR2)
        }
        watch = try SignalWatch(loop: loop, signals: [SIGUSR1, SIGUSR2]) { signal in
            #expect(loop.isCurrent)
            seen.update { $0.append(signal) }
            if seen.value.count == 2 { loop.stop() }
        }
        try loop.start()
        loop.join()
        #expect(Set(seen.value) == [SIGUSR1, SIGUSR2])
        withExtendedLifetime(watch) {}
        watch = nil
    }

    @Test("The service manager gets the datagram, by path and by abstract name", arguments: [true, false])
    func notifies(isAbstract: Bool) throws {
        let name = "weir-notify-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let path = isAbstract ? "@" + name : "/tmp/" + name
        let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(receiver)
            if !isAbstract { unlink(path) }
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(receiver, $0, socklen_t(2 + bytes.count))
            }
        }
        #expect(bound == 0)
        #expect(ServiceNotification.send(.ready("up"), to: path) == .sent)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = recv(receiver, &buffer, 100, Int32(MSG_DONTWAIT))
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1\nSTATUS=up")
    }

    @Test("What the service manager gets is what sd_notify(3) names, and words add no lines of their own")
    func notifyTexts() {
        #expect(ServiceNotification.State.ready("a\nMAINPID=1").text == "READY=1\nSTATUS=aMAINPID=1")
        #expect(ServiceNotification.State.alive.text == "WATCHDOG=1")
        #expect(ServiceNotification.State.stopping.text.hasPrefix("STOPPING=1\n"))
        #expect(
            ServiceNotification.State.reloading(at: Instant(nanoseconds: 5_000_999)).text
                == "RELOADING=1\nMONOTONIC_USEC=5000")
    }

    @Test("The watchdog is fed when it asks this process, and asks for a time")
    func watchdog() {
        #expect(ServiceNotification.watchdogSeconds("30000000", forProcess: nil) == 30)
        #expect(ServiceNotification.watchdogSeconds("30000000", forProcess: "\(getpid())") == 30)
        #expect(ServiceNotification.watchdogSeconds("30000000", forProcess: "1") == nil)
        #expect(ServiceNotification.watchdogSeconds(nil, forProcess: nil) == nil)
        for text in ["", "0", "-5", "soon", "99999999999999999999"] {
            #expect(ServiceNotification.watchdogSeconds(text, forProcess: nil) == nil)
        }
    }

    @Test("Without a service manager nothing is sent, and a failure is told")
    func notifyFailures() {
        #expect(ServiceNotification.send(.alive, to: nil) == .notAskedFor)
        #expect(ServiceNotification.send(.alive, to: "") == .notAskedFor)
        #expect(
            ServiceNotification.send(.alive, to: "/nonexistent/socket")
                == .failed(SystemCallFailure(call: "sendto", code: ENOENT)))
        #expect(
            ServiceNotification.send(.alive, to: String(repeating: "x", count: 500))
                == .failed(SystemCallFailure(call: "connect", code: ENAMETOOLONG)))
    }

    /// The address sanitizer brings an allocator of its own.
    @Test("The allocator takes our settings", .enabled(if: dlsym(nil, "__asan_init") == nil))
    func memoryTuning() {
        #expect(MemoryTuning.apply())
        _ = MemoryTuning.releaseFreeMemory()
    }

    @Test("A lock lets one thread in at a time")
    func lockExcludes() {
        let counter = Shared(0)
        onThreads(4) { _ in for _ in 0..<10_000 { counter.update { $0 += 1 } } }
        #expect(counter.value == 40_000)
    }
}
