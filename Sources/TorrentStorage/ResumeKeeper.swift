public import EventIO
import SQLiteStore
public import SwarmTypes

/// The owner of a `ResumeStore`: a thread on which all its calls run, in the order in which they were asked for.
///
/// From any thread. The store is touched only on that thread, which is the proof of the unchecked promise.
public final class ResumeKeeper: @unchecked Sendable {
    private let thread: EventLoop
    private let store: ResumeStore

    /// Blocks until the record is open; call it before the loop runs.
    public init(path: String) throws(ResumeFailure) {
        self.store = try ResumeStore(path: path)
        do {
            self.thread = try EventLoop(name: "weir-resume")
            try self.thread.start()
        } catch {
            throw ResumeFailure(store: .init(.cannotOpen("\(error)"), path: path))
        }
    }

    /// Runs `work` with the store on its thread, then `done` on `loop`.
    public func perform<Output: Sendable>(
        on loop: EventLoop, _ work: @escaping @Sendable (ResumeStore) throws(ResumeFailure) -> Output,
        then done: @escaping @Sendable (Result<Output, ResumeFailure>) -> Void
    ) {
        self.thread.post {
            let result: Result<Output, ResumeFailure>
            do throws(ResumeFailure) {
                result = .success(try work(self.store))
            } catch {
                result = .failure(error)
            }
            loop.post { done(result) }
        }
    }

    /// Hands all lean rows to `body` on `loop`, in batches, as they are read; then calls `done` there. Metainfo is loaded
    /// by `load` when a torrent needs it.
    public func stream(
        batch: Int = 1000, on loop: EventLoop, _ body: @escaping @Sendable ([ResumeRecord]) -> Void,
        then done: @escaping @Sendable (Result<Int, ResumeFailure>) -> Void
    ) {
        self.perform(on: loop) { store throws(ResumeFailure) -> Int in
            var records: [ResumeRecord] = []
            var count = 0
            func hand() {
                let full = records
                records = []
                records.reserveCapacity(batch)
                count += full.count
                if !full.isEmpty { loop.post { body(full) } }
            }
            try store.forEachRecord {
                records.append($0)
                if records.count >= batch { hand() }
            }
            hand()
            return count
        } then: {
            done($0)
        }
    }

    /// All that is recorded of one torrent; nil for an unknown one.
    public func load(
        _ torrent: TorrentID, on loop: EventLoop,
        then done: @escaping @Sendable (Result<StoredTorrent?, ResumeFailure>) -> Void
    ) {
        self.perform(
            on: loop, { store throws(ResumeFailure) -> StoredTorrent? in try store.stored(torrent) },
            then: done)
    }

    /// Ends the thread after what was asked for, and waits for it. Not on the loop that waits for an answer.
    ///
    /// All of the record is in its one file then, if the disk takes it; else its log goes with it.
    public func stop() {
        self.thread.post { try? self.store.foldLog() }
        self.thread.stop()
        self.thread.join()
    }
}
