public import SwarmTypes

/// One tracker of a torrent, for display and diagnosis.
public struct TrackerStatus: Equatable, Sendable {
    public enum State: Equatable, Sendable {
        /// Not asked yet, or not since the torrent was started.
        case idle
        case announcing(AnnounceEvent)
        /// Answered last time.
        case working
        case failed(AnnounceFailure)
        /// It said that it is never to be asked again (BEP 31).
        case givenUp(AnnounceFailure)
    }

    /// May hold a passkey: for the owner's eyes only.
    public var url: String
    /// With what may be secret hidden.
    public var maskedURL: String
    /// From 0.
    public var tier: Int
    public var state: State
    /// Of the last announce, unless it was answered; also while the next one is on its way.
    public var failure: AnnounceFailure?
    /// Of the last answer that had one.
    public var warning: TrackerText?
    public var lastAnnounce: Instant?
    /// Whether it has ever answered.
    public var hasAnswered: Bool
    /// Nil while it is being asked, when it waits for its turn behind another of its tiers, or is given up.
    public var nextAnnounce: Instant?
    public var counts: SwarmCounts
    /// In the last answer.
    public var peersReceived: Int
    /// In a row, up to now.
    public var failureCount: Int
}

/// A tracker that a torrent names and that cannot be asked.
public struct UnusableTracker: Equatable, Sendable {
    /// At most 256 bytes of it.
    public var text: TrackerText
    public var problem: TrackerURL.Problem
}
