import EventIO
import Glibc
import SwarmTypes
import Testing

@testable import PortMapping

/// A router that answers from a script, the last answer again and again, and keeps what it was asked.
private final class Router: Sendable {
    let log: Lock<(asked: [Mapping?], removed: [Mapping])> = Lock(([], []))
    private let script: [MappingOutcome]

    init(_ script: MappingOutcome...) { self.script = script }

    var access: RouterAccess {
        RouterAccess(
            map: { _, _, last in
                self.log.withLock { log in
                    log.asked.append(last)
                    return self.script[min(log.asked.count, self.script.count) - 1]
                }
            },
            remove: { mapping in self.log.withLock { $0.removed.append(mapping) } })
    }
}

private func mapping(_ external: String, lease: Double) throws -> Mapping {
    Mapping(
        external: try #require(PeerAddress(external)), port: 6881, leaseSeconds: lease, method: .natPMP)
}

@Suite("Keeping a port of the router open", .timeLimit(.minutes(1)))
struct PortMapperTests {
    let loop: EventLoop

    init() throws {
        self.loop = try EventLoop(name: "test")
        try self.loop.start()
    }

    /// Runs a mapper until it has had so many answers, then stops it; answers what it said.
    private func outcomes(_ router: Router, _ count: Int) async throws -> [MappingOutcome] {
        let (stream, feed) = AsyncStream.makeStream(of: MappingOutcome.self)
        let mapper = Lock<PortMapper?>(nil)
        self.loop.post { [loop] in
            mapper.withLock {
                $0 = try? PortMapper(port: 6881, loop: loop, router: router.access) { feed.yield($0) }
            }
        }
        var seen: [MappingOutcome] = []
        for await outcome in stream {
            seen.append(outcome)
            if seen.count == count { break }
        }
        await withCheckedContinuation { done in
            self.loop.post { mapper.withLock { $0 }?.stop { done.resume() } }
        }
        return seen
    }

    @Test("A mapping is renewed before its lease ends, from what it was, and taken away at the end")
    func renewing() async throws {
        let first = try mapping("192.0.2.7:6881", lease: 0.2)
        let second = try mapping("192.0.2.7:7000", lease: 3600)
        let router = Router(.mapped(first), .mapped(second))
        #expect(try await self.outcomes(router, 2) == [.mapped(first), .mapped(second)])
        let (asked, removed) = router.log.withLock { $0 }
        #expect(asked == [nil, first] && removed == [second])
    }

    @Test("A router that refuses or is not there is told nothing at the end")
    func refusing() async throws {
        for outcome in [MappingOutcome.unavailable, .refused("no")] {
            let router = Router(outcome)
            #expect(try await self.outcomes(router, 1) == [outcome])
            #expect(router.log.withLock { $0.removed.isEmpty })
        }
    }

    @Test(
        "What the router grants while we stop is taken away again, and stopping does not wait for a silent one"
    )
    func stopping() async throws {
        let granted = try mapping("192.0.2.7:6881", lease: 3600)
        let router = Router(.mapped(granted))
        let mapper = Lock<PortMapper?>(nil)
        await withCheckedContinuation { done in
            self.loop.post { [loop] in
                mapper.withLock {
                    $0 = try? PortMapper(port: 6881, loop: loop, router: router.access) { _ in }
                }
                mapper.withLock { $0 }?.stop { done.resume() }
            }
        }
        #expect(router.log.withLock { $0.removed } == [granted])

        // It waits for a byte that comes when all is over.
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let silent = RouterAccess(
            map: { _, _, _ in
                var byte: UInt8 = 0
                read(reading, &byte, 1)
                return .unavailable
            }, remove: { _ in })
        await withCheckedContinuation { done in
            self.loop.post { [loop] in
                mapper.withLock { $0 = try? PortMapper(port: 6881, loop: loop, router: silent) { _ in } }
                mapper.withLock { $0 }?.stop { done.resume() }
            }
        }
        var byte: UInt8 = 0
        write(writing, &byte, 1)
    }
}
