public import HTTPFetching
import SwarmTypes

/// The client of one qBittorrent.
///
/// Not Sendable: it lives inside the actor that governs with it, and its methods run there. Calls that
/// overlap wait for each other. A call that fails leaves `table` as it was.
public final class QBittorrentClient {
    let session: APISession
    let turn = Turn()
    /// All torrents, as of the last poll that succeeded.
    public internal(set) var table = TorrentTable()
    /// Of the program, as it says itself: "v4.5.2". Empty before the first answer.
    public private(set) var version = ""
    public private(set) var webAPIVersion: WebAPIVersion?
    var observation = Observation()
    /// Torrents whose limits were read since they were last shown by differences, and for how many polls more they are read:
    /// who sets a limit back to what was shown before makes no difference.
    var doubtfulLimits: [TorrentID: Int] = [:]
    /// The session in which the versions were read.
    private var versionEpoch = 0

    /// - Parameter credentialsRefused: what the property of that name said before a restart of Weir.
    public init(
        fetcher: any Fetching, address: ServerAddress, credentials: Credentials,
        credentialsRefused: Bool = false
    ) {
        self.session = APISession(
            fetcher: fetcher, address: address, credentials: credentials,
            credentialsRefused: credentialsRefused)
    }

    /// Whether the password was wrong. Then every call fails with `wrongCredentials` and nothing is sent,
    /// until `use` gets other credentials or `permitLogin` is called: qBittorrent counts failures for as long
    /// as it runs, and after five bans every program behind this address. To be kept across restarts.
    public var credentialsRefused: Bool { self.session.credentialsRefused }

    /// Takes other credentials; the same ones change nothing.
    public func use(_ credentials: Credentials) {
        self.session.use(credentials)
        self.observation.isSessionShared = false
    }

    /// Permits one more login with the same credentials, after the user has mended them in qBittorrent.
    public func permitLogin() { self.session.permitLogin() }

    public var calls: [Endpoint: CallCount] { self.session.calls }

    /// How polls are made: by differences, or by the list of active torrents.
    public var usesDifferences: Bool {
        guard let version = self.webAPIVersion, version >= .cheapDifferences else { return false }
        // All users of an API key share one session, and so each other's differences.
        if case .apiKey = self.session.credentials { return false }
        return !self.observation.isSessionShared
    }

    /// Logs in and reads the versions, if that has not happened in this session.
    public func connect() async throws(ClientFailure) {
        await self.turn.take()
        defer { self.turn.give() }
        try await self.learnVersion()
    }

    /// Twice at most, because reading can itself begin a session.
    func learnVersion() async throws(ClientFailure) {
        for _ in 0..<2 where self.versionEpoch != self.session.epoch || self.webAPIVersion == nil {
            let text = try await self.session.text(.webAPIVersion)
            let epoch = self.session.epoch
            guard let version = WebAPIVersion(text: text) else {
                throw .notQBittorrent("app/webapiVersion answers with no version")
            }
            let program = try await self.session.text(.version)
            self.webAPIVersion = version
            self.version = String(program.prefix(32).filter { $0.isASCII && !$0.isWhitespace })
            self.versionEpoch = epoch
        }
    }

    /// Makes the next `learnVersion` read again, though the session seems the same.
    func forgetVersion() { self.versionEpoch = -1 }
}
