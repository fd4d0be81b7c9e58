import EventIO
import HTTPServing
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
    private let accountant = MaindataAccountant()
    private let sorter = RowSorter()

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

    /// The answer to `sync/maindata`. To compare what has changed takes long where much has, and is done elsewhere than on
    /// the server's loop; what is told of it is written a slice at a time.
    func maindata(after known: Int64, showsKeys: Bool) async -> HTTPResponse {
        await self.accountant.answer(
            after: known, Telling(now: self.now(), showsKeys: showsKeys), self)
    }

    /// Chosen and sorted elsewhere than on the server's loop.
    func select(_ filter: TorrentFilter) async -> [TorrentRow] {
        await self.sorter.select(filter, from: self.mirror.state.rows)
    }

    fileprivate func takeTouched() -> Set<TorrentID> {
        self.pending.withLock { pending in
            let touched = pending.touched
            pending.touched = []
            pending.isWanted = true
            return touched
        }
    }

    fileprivate var firstNumber: Int64 { self.start }

    var serverState: ServerState {
        let state = self.mirror.state
        return ServerState(session: state.session, preferences: state.preferences)
    }
}

/// A thread of the pool, one call at a time.
private actor RowSorter {
    func select(_ filter: TorrentFilter, from rows: [TorrentID: TorrentRow]) -> [TorrentRow] {
        filter.select(from: rows)
    }
}

/// Keeps the ledger, away from the server's loop.
private actor MaindataAccountant {
    /// An answer with no more torrents is put together at once.
    private static let fewTorrents = 100

    /// Nil until the first who asks for deltas.
    private var ledger: MaindataLedger?

    func answer(after known: Int64, _ telling: Telling, _ desk: FacadeDesk) -> HTTPResponse {
        // Taken before the state, which then is at least as new.
        let touched = desk.takeTouched()
        let state = desk.mirror.state
        if self.ledger == nil {
            self.ledger = MaindataLedger(state, startingAt: desk.firstNumber)
        } else {
            self.ledger?.catchUp(with: state, touched: touched)
        }
        guard var ledger = self.ledger else { return .json([]) }
        ledger.telling = telling
        var writer = JSONWriter()
        var answer = ledger.begin(after: known, to: &writer)
        guard answer.torrents.count > Self.fewTorrents else {
            ledger.write(answer.torrents.count, of: &answer, to: &writer)
            ledger.end(answer, to: &writer)
            return .json(writer.bytes)
        }
        let first = writer.takeBytes()
        return .json(first, slices: MaindataSlices(ledger, answer, writer))
    }
}

/// A long answer as of one moment. Made by one thread and used by the server's loop alone: the proof of the unchecked promise.
private final class MaindataSlices: HTTPBodySlicing, @unchecked Sendable {
    /// About a millisecond's work, and 50 kB.
    private static let torrentsPerSlice = 40

    /// Nil at the end.
    private var ledger: MaindataLedger?
    private var answer: MaindataLedger.Answer
    private var writer: JSONWriter

    init(_ ledger: MaindataLedger, _ answer: MaindataLedger.Answer, _ writer: JSONWriter) {
        self.ledger = ledger
        self.answer = answer
        self.writer = writer
    }

    func nextSlice() -> [UInt8] {
        guard let ledger else { return [] }
        if self.answer.torrents.isEmpty {
            ledger.end(self.answer, to: &self.writer)
            self.ledger = nil
        } else {
            ledger.write(Self.torrentsPerSlice, of: &self.answer, to: &self.writer)
        }
        return self.writer.takeBytes()
    }
}
