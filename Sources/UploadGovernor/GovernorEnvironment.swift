public import SwarmTypes

/// Time, chance and the way out, given by the assembly.
public struct GovernorEnvironment: Sendable {
    public var now: @Sendable () -> Instant
    /// The wall clock, in seconds since 1970; only to tell how long a torrent has been idle.
    public var secondsSince1970: @Sendable () -> Int64
    /// Calls back once, after so many seconds, on any thread.
    public var after: @Sendable (_ seconds: Double, _ body: @escaping @Sendable () -> Void) -> Void
    /// The documented rollout hash of a torrent, 0...99.
    public var rolloutBucket: @Sendable (TorrentID) -> UInt8
    public var report: @Sendable (GovernorEvent) -> Void
    /// Keeps what a dry run would have set, for people to read.
    public var saveSimulated: @Sendable ([TorrentKey: UploadLimit]) -> Void

    /// Nil when the clients have the caps for themselves.
    public var sharing: (any CapSharing)?

    public init(
        now: @escaping @Sendable () -> Instant, secondsSince1970: @escaping @Sendable () -> Int64,
        after: @escaping @Sendable (Double, @escaping @Sendable () -> Void) -> Void,
        rolloutBucket: @escaping @Sendable (TorrentID) -> UInt8,
        report: @escaping @Sendable (GovernorEvent) -> Void = { _ in },
        saveSimulated: @escaping @Sendable ([TorrentKey: UploadLimit]) -> Void = { _ in }
    ) {
        self.now = now
        self.secondsSince1970 = secondsSince1970
        self.after = after
        self.rolloutBucket = rolloutBucket
        self.report = report
        self.saveSimulated = saveSimulated
    }
}
