import EventIO
import JSONValues
import SwarmTypes
import TorrentCatalog

/// What the facade keeps between calls.
final class FacadeDesk: Sendable {
    private struct Pending {
        var touched: Set<TorrentID> = []
        var isWanted = false
    }

    let mirror: CatalogMirror
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    private let start: Int64
    private let pending = Lock(Pending())
    /// Nil until the first who asks for deltas.
    private let ledger = Lock<MaindataLedger?>(nil)

    init(mirror: CatalogMirror, now: @escaping @Sendable () -> Int64) {
        self.mirror = mirror
        self.now = now
        // There is about one change a second, so an earlier run has not counted as far.
        self.start = max(1, now() & 0x7FFF_FFFF)
        _ = mirror.observe { [weak self] change, _ in self?.note(change) }
    }

    private func note(_ change: CatalogChange) {
        self.pending.withLock { pending in
            guard pending.isWanted else { return }
            for summary in change.changed { pending.touched.insert(summary.id) }
            for id in change.removed { pending.touched.insert(id) }
        }
    }

    /// The answer to `sync/maindata`.
    func maindata(after known: Int64) -> [UInt8] {
        self.ledger.withLock { ledger in
            // Taken before the state, which then is at least as new.
            let touched = self.pending.withLock { pending in
                let touched = pending.touched
                pending.touched = []
                pending.isWanted = true
                return touched
            }
            let state = self.mirror.state
            if ledger == nil {
                ledger = MaindataLedger(state, startingAt: self.start)
            } else {
                ledger?.catchUp(with: state, touched: touched)
            }
            var writer = JSONWriter()
            ledger?.write(after: known, to: &writer)
            return writer.bytes
        }
    }

    var serverState: ServerState {
        let state = self.mirror.state
        return ServerState(session: state.session, preferences: state.preferences)
    }
}
