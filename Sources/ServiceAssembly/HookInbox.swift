import ControlAPI
import EventIO
import SwarmTypes

/// Takes webhook events on the server's loop and hands them on in one go, a moment later.
///
/// Bounded: the same torrent counts once, and beyond `capacity` different ones an event is refused.
final class HookInbox: Sendable {
    static let capacity = 20_000
    /// How long events are collected. A client that adds a hundred torrents calls a hundred times.
    private static let collectSeconds = 0.1

    private struct State {
        var waiting: [TorrentID: HookEvent.Kind] = [:]
        var hasAnonymous = false
        var isScheduled = false
        var accepted: Int64 = 0
        var refused: Int64 = 0

        var count: Int { self.waiting.count + (self.hasAnonymous ? 1 : 0) }
    }

    struct Batch: Sendable {
        var events: [TorrentID: HookEvent.Kind]
        /// An event came that names no torrent.
        var hasAnonymous: Bool
    }

    private let loop: EventLoop
    private let state = Lock(State())
    private let deliver: @Sendable (Batch) -> Void

    /// `deliver` is called on the loop.
    init(loop: EventLoop, deliver: @escaping @Sendable (Batch) -> Void) {
        self.loop = loop
        self.deliver = deliver
    }

    func take(_ event: HookEvent) -> HookAcceptance {
        let (acceptance, mustSchedule) = self.state.withLock { state -> (HookAcceptance, Bool) in
            if let torrent = event.torrent {
                guard state.waiting[torrent] != nil || state.waiting.count < Self.capacity else {
                    state.refused += 1
                    return (.full(queueSize: state.count), false)
                }
                // A completion must not be forgotten because another event of the torrent follows.
                if state.waiting[torrent] != .completed { state.waiting[torrent] = event.kind }
            } else {
                state.hasAnonymous = true
            }
            state.accepted += 1
            defer { state.isScheduled = true }
            return (.accepted(queueSize: state.count), !state.isScheduled)
        }
        if mustSchedule {
            self.loop.schedule(afterSeconds: Self.collectSeconds) { [weak self] in self?.flush() }
        }
        return acceptance
    }

    var totals: (accepted: Int64, refused: Int64) { self.state.withLock { ($0.accepted, $0.refused) } }

    private func flush() {
        let batch = self.state.withLock { state in
            let batch = Batch(events: state.waiting, hasAnonymous: state.hasAnonymous)
            state.waiting = [:]
            state.hasAnonymous = false
            state.isScheduled = false
            return batch
        }
        self.deliver(batch)
    }
}
