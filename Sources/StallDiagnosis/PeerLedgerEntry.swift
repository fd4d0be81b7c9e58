public import SwarmTypes

/// One peer in the ledger.
public struct PeerLedgerEntry: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        case notTried
        /// Connected, or being dialled.
        case open
        case closed(CloseReason)
    }

    public let address: PeerAddress
    /// Where we first heard of it.
    public let source: PeerSource
    /// Of the last connection or attempt; nil before the first.
    public internal(set) var direction: ConnectionDirection?
    public internal(set) var transport = PeerTransport.tcp
    /// Of the last connection or attempt.
    public internal(set) var stage = PeerStage.known
    /// Of all connections.
    public internal(set) var furthest = PeerStage.known
    public internal(set) var outcome = Outcome.notTried
    /// When stage or outcome last changed.
    public internal(set) var changed: Instant
    /// Attempts that we made.
    public internal(set) var attempts = 0
    /// How often in a row the outcome was the same.
    public internal(set) var sameOutcomes = 0
    public internal(set) var retryAt: Instant?
    public internal(set) var bytesDown: Int64 = 0
    public internal(set) var bytesUp: Int64 = 0
    /// How often it unchoked us.
    public internal(set) var timesUnchoked = 0

    /// Of the last end, also while a later connection is open.
    private(set) var lastReason: CloseReason?

    init(address: PeerAddress, source: PeerSource, changed: Instant) {
        self.address = address
        self.source = source
        self.changed = changed
    }

    /// The reason of the last end; nil while open or not tried.
    public var closeReason: CloseReason? {
        guard case .closed(let reason) = self.outcome else { return nil }
        return reason
    }

    /// What a reader would miss most is highest.
    var tellingness: Int {
        switch self.closeReason {
        case nil: 0
        case .corruptData, .banned: 5
        case _ where self.furthest >= .transferring: 4
        case _ where self.furthest >= .handshaken: 3
        default: self.direction == .incoming ? 1 : 2
        }
    }

    mutating func opened(
        _ direction: ConnectionDirection, stage: PeerStage, transport: PeerTransport, at now: Instant
    ) {
        if stage == .dialling { self.attempts &+= 1 }
        self.direction = direction
        self.transport = transport
        // A connection that opens again begins from the start.
        self.stage = stage
        self.outcome = .open
        self.retryAt = nil
        self.furthest = max(self.furthest, stage)
        self.changed = now
    }

    mutating func reached(_ stage: PeerStage, at now: Instant) {
        guard stage > self.stage else { return }
        self.stage = stage
        self.furthest = max(self.furthest, stage)
        self.changed = now
    }

    mutating func closed(_ reason: CloseReason, at now: Instant, retryAt: Instant?) {
        let isSame = self.lastReason?.code == reason.code
        self.sameOutcomes = isSame ? self.sameOutcomes &+ 1 : 1
        self.lastReason = reason
        self.outcome = .closed(reason)
        self.retryAt = retryAt
        self.changed = now
    }

}
