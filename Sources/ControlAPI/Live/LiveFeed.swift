import EventIO
import HTTPServing
import JSONValues
import SwarmTypes
public import TorrentCatalog

/// What the dashboard sees: the governor, the torrents, and what becomes of them while it looks.
///
/// One for the life of the service. Nothing is encoded while nobody watches; each event is encoded once for all who do.
public final class LiveFeed: Sendable {
    /// So long after somebody asked for the list, changes are kept for a stream that comes back.
    private static let interestTicks = 20
    /// More rows at once are cheaper to fetch anew, once for all.
    private static let maximumRowsPerEvent = 3000

    private struct Reader {
        var stream: ResponseStream
        /// What it was let in with.
        var request: HTTPRequest
    }

    private struct State {
        var history = CapHistory()
        var ring = EventRing()
        var changed: [TorrentID: TorrentSummary] = [:]
        var removed: Set<TorrentID> = []
        var hasOtherNews = false
        /// Of the catalogue, as last told.
        var revision: UInt64 = 0
        var streams: [ObjectIdentifier: Reader] = [:]
        /// The one in force; nil: nobody is looked at again.
        var policy: AccessPolicy?
        /// As of when all readers were last looked at.
        var withdrawals = 0
        var interest = 0
        var ticks = 0
    }

    /// Nil when this service has no engine.
    let torrents: (any TorrentDirecting)?
    let control: any GovernorControl
    private let version: String
    private let now: @Sendable () -> Double
    private let state = Lock(State())
    private let lists: ListMaker
    private let governed: GovernedList
    private let run: UInt64
    private let observer: Int?

    /// - Parameter now: Seconds since 1970.
    public init(
        torrents: (any TorrentDirecting)?, control: any GovernorControl, version: String,
        now: @escaping @Sendable () -> Double
    ) {
        self.torrents = torrents
        self.control = control
        self.version = version
        self.now = now
        self.run = UInt64(exactly: (now() * 1000).rounded()) ?? 0
        self.lists = ListMaker(run: self.run)
        self.governed = GovernedList(control, run: self.run)
        let target = WeakFeed()
        self.observer = torrents?.mirror.observe { change, revision in
            target.feed?.note(change, revision)
        }
        target.feed = self
    }

    deinit { if let observer { self.torrents?.mirror.forget(observer) } }

    /// Does what is due; to be called once a second, by one caller, off the server's loop.
    public func tick() async {
        let (isWatched, isOfInterest, ticks) = self.state.withLock { state in
            state.ticks += 1
            state.interest = max(0, state.interest - 1)
            return (!state.streams.isEmpty, state.interest > 0, state.ticks)
        }
        // Sessions also end by themselves.
        let withdrawals = self.state.withLock { $0.policy }?.access?.withdrawals ?? 0
        if ticks % 30 == 0 || self.state.withLock({ $0.withdrawals }) != withdrawals {
            self.state.withLock { $0.withdrawals = withdrawals }
            self.endRefusedStreams()
        }
        self.sendChanges()
        if isWatched {
            if ticks % 2 == 1, let news = await self.governed.news() { self.send(news) }
        } else if !isOfInterest {
            await self.governed.forget()
        }
        if isWatched, ticks % 2 == 0 {
            let event = serverSentEvent("overview", await self.overview())
            self.send(event)
        }
        if ticks % CapHistory.secondsPerSample == 0 {
            let caps = await self.caps()
            self.state.withLock { $0.history.take(caps, at: self.now()) }
        }
        await self.lists.tick()
    }

    /// Ends all streams: their readers come back, or find that the service is gone.
    public func close() {
        let streams = self.state.withLock { state in
            defer { state.streams = [:] }
            return state.streams.values.map(\.stream)
        }
        for stream in streams { stream.end() }
    }

    /// From now on streams live by this policy.
    func use(_ policy: AccessPolicy) { self.state.withLock { $0.policy = policy } }

    /// Ends the streams of those who would not be let in any more: who logged out, whose key was taken back, whose session
    /// has ended. Their page asks anew, and is asked to log in.
    func endRefusedStreams() {
        let (readers, policy) = self.state.withLock { ($0.streams, $0.policy) }
        guard let policy else { return }
        let refused = readers.filter {
            policy.refusal(of: $0.value.request, right: .read, isUse: false) != nil
        }
        self.state.withLock { state in for key in refused.keys { state.streams[key] = nil } }
        for reader in refused.values { reader.stream.end() }
    }

    var watchers: Int { self.state.withLock { $0.streams.count } }
}

/// What the mirror calls, so that it does not keep the feed.
///
/// Not a closure behind a lock: each access through generic storage would wrap it once more, until a call runs out of stack.
/// `feed` is set once, before anything is published; that is the proof of the unchecked promise.
private final class WeakFeed: @unchecked Sendable {
    weak var feed: LiveFeed?
}

/// The list of torrents and its changes.
extension LiveFeed {
    /// On the publisher's thread: only notes what is new.
    fileprivate func note(_ change: CatalogChange, _ revision: UInt64) {
        self.state.withLock { state in
            state.revision = max(state.revision, revision)
            guard state.interest > 0 || !state.streams.isEmpty else {
                state.changed = [:]
                state.removed = []
                state.ring.forget(upTo: state.revision)
                return
            }
            for summary in change.changed {
                state.changed[summary.id] = summary
                state.removed.remove(summary.id)
            }
            for id in change.removed {
                state.changed[id] = nil
                state.removed.insert(id)
            }
            if change.categories != nil || change.tags != nil { state.hasOtherNews = true }
        }
    }

    private func sendChanges() {
        let news = self.state.withLock { state in
            let news = (state.changed, state.removed, state.hasOtherNews, state.revision)
            state.changed = [:]
            state.removed = []
            state.hasOtherNews = false
            return news
        }
        let (changed, removed, hasOtherNews, revision) = news
        guard !changed.isEmpty || !removed.isEmpty || hasOtherNews else { return }
        let event: [UInt8]
        let isReset = changed.count + removed.count > Self.maximumRowsPerEvent || hasOtherNews
        if isReset {
            event = serverSentEvent("reset", id: self.mark(revision), Array("{}".utf8))
        } else {
            var json = JSONWriter(reservingBytes: 256 + 240 * changed.count)
            json.object { json in
                json.member("revision", Int64(clamping: revision))
                json.member("rows", array: { json in for row in changed.values { json.row(row) } })
                json.member("removed", array: { json in for id in removed { json.torrent(id) } })
            }
            event = serverSentEvent("torrents", id: self.mark(revision), json.bytes)
        }
        self.state.withLock { state in
            if isReset { state.ring.forget(upTo: revision) } else { state.ring.append(event, id: revision) }
        }
        self.send(event)
    }

    private func send(_ event: [UInt8]) {
        for reader in self.state.withLock({ Array($0.streams.values) }) { reader.stream.send(event) }
    }

    /// The whole list as JSON, made once for all who ask at about the same time.
    func list() async -> [UInt8] {
        guard let torrents else {
            return torrentList(CatalogMirror(LibraryPreferences(directory: "")).state, run: self.run)
        }
        let floor = self.state.withLock { state in
            // From now on changes are kept, so that a stream can go on where this list ends.
            if state.interest == 0, state.streams.isEmpty { state.ring.forget(upTo: state.revision) }
            state.interest = Self.interestTicks
            return state.ring.floor
        }
        // Megabytes are encoded: not on the server's loop, whose task this is.
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            await self.lists.list(of: torrents.mirror, notBefore: floor)
        }
    }

    /// The same of the governed torrents.
    func governedList() async -> [UInt8] {
        self.state.withLock { $0.interest = max($0.interest, Self.interestTicks) }
        return await withTaskExecutorPreference(globalConcurrentExecutor) { await self.governed.list() }
    }

    private func mark(_ revision: UInt64) -> ListMark { ListMark(run: self.run, revision: revision) }

    /// Sends what came after `mark`, and from now on everything.
    func open(_ stream: ResponseStream, after mark: ListMark?, asked request: HTTPRequest) {
        // Its body was read, and it is looked at again by its headers.
        var request = request
        request.body = []
        let reader = Reader(stream: stream, request: request)
        let revision = mark.flatMap { $0.run == self.run ? $0.revision : nil }
        let key = ObjectIdentifier(stream)
        self.state.withLock { state in
            state.streams[key] = reader
            // Under the lock, so that nothing later overtakes it; the stream takes a lock of its own and calls nobody.
            if let revision, let missed = state.ring.events(after: revision) {
                if !missed.isEmpty { stream.send(missed) }
            } else {
                stream.send(serverSentEvent("reset", id: self.mark(state.revision), Array("{}".utf8)))
            }
        }
        stream.whenOver { [weak self] in
            self?.state.withLock { $0.streams[key] = nil }
        }
    }
}

/// What stands above the list.
extension LiveFeed {
    private func caps() async -> [CapOverview] {
        let situation: GovernorSituation? = try? await self.control.situation()
        return capOverviews(situation, self.torrents?.mirror.state.caps ?? [])
    }

    func writeHistory(_ range: CapHistory.Range, to json: inout JSONWriter) {
        self.state.withLock { $0.history }.write(range, to: &json)
    }

    /// As JSON.
    func overview() async -> [UInt8] {
        let situation: GovernorSituation? = try? await self.control.situation()
        let catalog = self.torrents?.mirror.state
        let tally = TorrentTally((catalog?.rows ?? [:]).values)
        var json = JSONWriter(reservingBytes: 8192)
        json.object { json in
            json.member("version", self.version)
            json.member("time", self.now())
            json.member("has_engine", self.torrents != nil)
            json.member("health", object: { self.write(situation?.health, to: &$0) })
            json.member("session", object: { self.write(catalog?.session ?? SessionSummary(), to: &$0) })
            json.member(
                "caps",
                array: { json in
                    for cap in capOverviews(situation, catalog?.caps ?? []) {
                        ControlAPI.write(cap, to: &json)
                    }
                })
            json.member("stuck", array: { tally.writeStuck(to: &$0) })
            json.member(
                "states",
                object: { json in
                    for state in TorrentActivity.allCases where tally.states[state] != nil {
                        json.member(state.rawValue, tally.states[state])
                    }
                })
            json.member(
                "instances",
                array: { json in
                    for instance in situation?.instances ?? [] { writeDetailed(instance, to: &json) }
                })
        }
        return json.bytes
    }

    private func write(_ health: HealthReport?, to json: inout JSONWriter) {
        let health = health ?? HealthReport()
        json.member("status", health.status.rawValue)
        json.member("problems", health.problems)
        json.member("uptime", seconds(health.uptimeSeconds))
        json.member("dry_run", health.isDryRun)
        json.member("paused", health.isPaused)
        json.member("managed", health.managedTorrents)
        json.member("last_cycle", health.lastCycleTime)
    }

    private func write(_ session: SessionSummary, to json: inout JSONWriter) {
        json.member("up", session.upRate.bytesPerSecond)
        json.member("down", session.downRate.bytesPerSecond)
        json.member("session_uploaded", session.sessionUploaded)
        json.member("session_downloaded", session.sessionDownloaded)
        json.member("connections", session.connections)
        json.name("free_space")
        json.whole(session.freeSpace)
        json.member("reachability", session.reachability.rawValue)
        json.member("up_limit", bytesPerSecond: session.uploadLimit)
        json.member("down_limit", bytesPerSecond: session.downloadLimit)
        json.member("alternative", session.usesAlternativeLimits)
    }
}

private func writeDetailed(_ instance: InstanceReport, to json: inout JSONWriter) {
    json.object { json in
        json.member("name", instance.name)
        json.member("url", instance.url)
        json.member("up", instance.isReachable)
        json.member("version", instance.version)
        json.member("torrents", instance.torrents)
        json.member("last_seen", instance.lastSeen)
        json.member("problem", instance.problem)
        json.member("login_blocked", instance.isLoginBlocked)
        json.member("restarts", instance.restarts)
        json.member("drifts", instance.drifts)
        json.member("last_apply", instance.lastApplied)
        json.member("open_intents", instance.openIntents)
    }
}

let overviewSchema = Schema.object([
    "version": .string, "time": .number, "has_engine": .boolean,
    "health": .object([
        "status": healthStatus, "problems": .array(.string), "uptime": .integer, "dry_run": .boolean,
        "paused": .boolean, "managed": .integer, "last_cycle": .nullable(.number),
    ]),
    "session": .object([
        "up": .integer, "down": .integer, "session_uploaded": .integer, "session_downloaded": .integer,
        "connections": .integer, "free_space": .nullable(.integer), "reachability": .string,
        "up_limit": .integer, "down_limit": .integer, "alternative": .boolean,
    ]),
    "caps": .array(capSchema), "stuck": .array(stuckSchema), "states": .map(.integer),
    "instances": .array(
        .object([
            "name": .string, "url": .string, "up": .boolean, "version": .nullable(.string),
            "torrents": .integer, "last_seen": .nullable(.number), "problem": .nullable(.string),
            "login_blocked": .boolean, "restarts": .integer, "drifts": .integer,
            "last_apply": .nullable(.number), "open_intents": .integer,
        ])),
])
