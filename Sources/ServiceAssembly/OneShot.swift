import EventIO
import HTTPFetching
public import WeirSettings

/// What a command needs that talks to a running Weir or to qBittorrent, and then ends.
public struct OneShot: Sendable {
    let loop: EventLoop
    let fetcher: HTTPFetcher
    public let settings: Settings
    let key: CommandKey

    /// Runs `body` on an event loop of its own, on the calling thread, until it is done.
    public static func run<Value: Sendable>(
        _ settings: Settings, _ body: @escaping @Sendable (OneShot) async -> Value
    ) throws(ServiceFailure) -> Value {
        SignalWatch.block([])
        let loop: EventLoop
        do throws(SystemCallFailure) { loop = try EventLoop(name: "command") } catch {
            throw .system(error.description)
        }
        let fetcher = HTTPFetcher(loop: loop, userAgent: "Weir/\(weirVersion)", maximumConnectionsPerHost: 4)
        let box = ResultBox<Value>()
        Task(executorPreference: loop) {
            let key = CommandKey(databasePath: accessDatabasePath(settings))
            let value = await body(OneShot(loop: loop, fetcher: fetcher, settings: settings, key: key))
            key.takeBack()
            box.set(value)
            loop.stop()
        }
        loop.run()
        fetcher.close()
        guard let value = box.get() else { throw .system("the command ended without a result") }
        return value
    }
}

/// Carries a result out of a task.
private final class ResultBox<Value: Sendable>: Sendable {
    private let value = Lock<Value?>(nil)

    func set(_ new: Value) { self.value.withLock { $0 = new } }

    func get() -> Value? { self.value.withLock { $0 } }
}
