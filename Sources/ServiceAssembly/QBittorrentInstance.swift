import EventIO
import HTTPFetching
import LimitPlanning
import QBittorrentAPI
import SwarmTypes
import UploadGovernor
import WeirSettings

/// One qBittorrent as the governor's client. Lives on the governor's loop.
actor QBittorrentInstance: GovernedClient {
    /// Where only the active torrents are polled, everything is read again this often at least: an idle
    /// newcomer, and a limit set by hand on an idle torrent, show only there.
    private static let fullReadSeconds = 600.0
    /// And more often as long as that takes no more than a fiftieth of qBittorrent's time, which needs 0.2 ms
    /// for each torrent (4.5.2).
    private static let fullReadSecondsPerTorrent = 0.01
    private static let preferencesSeconds = 300.0

    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    nonisolated let name: String
    /// Without credentials.
    nonisolated let address: String
    nonisolated let settings: InstanceSettings
    private let client: QBittorrentClient
    private var lastFull: Instant?
    private var lastPreferences: Instant?
    private var limitsIncludeOverhead = false
    private var requests = 0
    /// Told when the credentials were refused, and when they are accepted again: it must outlive a restart.
    private let credentialsRefused: @Sendable (Bool) async -> Void
    private var wasRefused: Bool

    init(
        _ settings: InstanceSettings, loop: EventLoop, fetcher: any Fetching, wasRefused: Bool,
        credentialsRefused: @escaping @Sendable (Bool) async -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.name = settings.name
        self.address = settings.address.url
        self.wasRefused = wasRefused
        self.credentialsRefused = credentialsRefused
        self.client = QBittorrentClient(
            fetcher: fetcher, address: ServerAddress(settings),
            credentials: Credentials(settings.credentials),
            credentialsRefused: wasRefused)
    }

    // MARK: - GovernedClient

    func poll(_ depth: UploadGovernor.PollDepth, hints: [TorrentID]) async throws(ClientProblem) -> PollNotice
    {
        let now = monotonicNow()
        let interval = min(
            Self.fullReadSeconds, Double(self.client.table.rows.count) * Self.fullReadSecondsPerTorrent)
        let isDue = self.lastFull.map { now.seconds(since: $0) >= interval } ?? true
        let isFull = depth == .full || isDue && !self.client.usesDifferences
        let report = try await self.asking { client throws(ClientFailure) in
            try await client.poll(isFull ? .full : .cheap, hints: hints)
        }
        if report.isComplete { self.lastFull = now }
        if self.lastPreferences.map({ now.seconds(since: $0) >= Self.preferencesSeconds }) ?? true {
            let preferences = try await self.asking { client throws(ClientFailure) in
                try await client.preferences()
            }
            self.limitsIncludeOverhead = preferences.limitsIncludeOverhead ?? false
            self.lastPreferences = now
        }
        return PollNotice(
            restarted: report.restarted, limitsIncludeOverhead: self.limitsIncludeOverhead,
            malformed: report.malformedRows)
    }

    func torrents() -> SeenTorrents {
        let table = self.client.table
        return SeenTorrents(
            trackerSetCount: table.trackerSets.count, trackerSetsRevision: table.trackerSets.revision,
            torrents: table.rows.map { row in
                SeenTorrent(
                    id: row.id, trackerSet: row.trackerSet, leeches: row.leeches, seeds: row.seeds,
                    uploadRate: row.uploadRate, sentSincePoll: row.uploadedSincePoll, limit: row.uploadLimit,
                    lastActivity: row.lastActivity ?? 0,
                    canUpload: row.activity == .canUpload)
            })
    }

    func trackerSets(from index: Int) -> [[String]] {
        let sets = self.client.table.trackerSets
        return (min(index, sets.count)..<sets.count).map { sets.urls(at: Int32(clamping: $0)) }
    }

    func currentTracker(of id: TorrentID) async throws(ClientProblem) -> String? {
        let entries = try await self.asking { client throws(ClientFailure) in
            try await client.trackers(of: id)
        }
        guard let entries else { return nil }
        let choice = chooseTracker(
            entries.map { LimitPlanning.TrackerEntry(url: $0.url, status: .init($0.status)) })
        return choice.map { entries[$0].url }
    }

    func setUploadLimit(_ limit: UploadLimit, on ids: [TorrentID]) async throws(ClientProblem) {
        try await self.asking { client throws(ClientFailure) in
            try await client.setUploadLimit(limit, of: ids)
        }
    }

    func uploadLimits(of ids: [TorrentID]) async throws(ClientProblem) -> [TorrentID: UploadLimit] {
        let limits = try await self.asking { client throws(ClientFailure) in
            try await client.readLimits(of: ids)
        }
        return Dictionary(limits.map { ($0.id, $0.limit) }, uniquingKeysWith: { _, last in last })
    }

    func requestCount() -> Int { self.client.calls.values.reduce(0) { $0 + $1.calls } }

    // MARK: - For the other surfaces

    func version() -> (application: String?, webAPI: String?) {
        (
            self.client.version.isEmpty ? nil : self.client.version,
            self.client.webAPIVersion.map { String(describing: $0) }
        )
    }

    func details(of ids: [TorrentID]) async throws(ClientProblem) -> [TorrentDetails] {
        try await self.asking { client throws(ClientFailure) in try await client.details(of: ids) }
    }

    func knows(_ id: TorrentID) -> Bool { self.client.table.row(of: id) != nil }

    func preferences() async throws(ClientProblem) -> Preferences {
        try await self.asking { client throws(ClientFailure) in try await client.preferences() }
    }

    func setAutorun(onCompletion: Autorun?, onAddition: Autorun?) async throws(ClientProblem) {
        try await self.asking { client throws(ClientFailure) in
            try await client.setAutorun(onCompletion: onCompletion, onAddition: onAddition)
        }
    }

    /// Lets one more login be tried with the same credentials: somebody says that they were mended.
    func permitLogin() async {
        self.client.permitLogin()
        guard self.wasRefused else { return }
        self.wasRefused = false
        await self.credentialsRefused(false)
    }

    /// Runs a call and keeps the word on the credentials.
    private func asking<Result>(
        _ call: (QBittorrentClient) async throws(ClientFailure) -> Result
    ) async throws(ClientProblem) -> Result {
        let outcome: Swift.Result<Result, ClientFailure>
        do throws(ClientFailure) {
            outcome = .success(try await call(self.client))
        } catch {
            outcome = .failure(error)
        }
        if self.client.credentialsRefused != self.wasRefused {
            self.wasRefused = self.client.credentialsRefused
            await self.credentialsRefused(self.wasRefused)
        }
        do throws(ClientFailure) { return try outcome.get() } catch {
            throw ClientProblem(error, name: self.name)
        }
    }
}

extension ClientProblem {
    init(_ failure: ClientFailure, name: String) {
        self =
            switch failure {
            case .wrongCredentials:
                .refused(
                    "qBittorrent refuses the credentials of \(name); Weir tries no more until they change, or `weir resume` (five failures ban this address)"
                )
            case .banned:
                .refused(
                    "qBittorrent has banned this address after failed logins; wait an hour or restart qBittorrent"
                )
            case .tls, .notQBittorrent, .serverError, .malformedAnswer, .rejected, .limitOutOfRange:
                .faulty(failure.description)
            case .unreachable, .timedOut, .cancelled: .unreachable(failure.description)
            }
    }
}

extension LimitPlanning.TrackerStatus {
    init(_ status: QBittorrentAPI.TrackerStatus) {
        self =
            switch status {
            case .disabled: .disabled
            case .notContacted: .notContacted
            case .working: .working
            case .updating: .updating
            case .notWorking, .trackerError, .unreachable: .notWorking
            case .unknown: .unknown
            }
    }
}

extension Credentials {
    init(_ settings: InstanceCredentials) {
        switch settings {
        case .login(let user, let password) where user.isEmpty && password.isEmpty: self = .none
        case .login(let user, let password): self = .password(user: user, password: password)
        case .apiKey(let key): self = .apiKey(key)
        }
    }
}

extension ServerAddress {
    init(_ settings: InstanceSettings) {
        let address = settings.address
        self.init(
            scheme: address.usesTLS ? .https : .http, host: address.host, port: UInt16(exactly: address.port),
            basePath: address.basePath,
            trust: FetchTrust(authorityFile: settings.tls.caFile, isVerified: settings.tls.verifies),
            timeoutSeconds: Double(settings.timeoutSeconds))
    }
}
