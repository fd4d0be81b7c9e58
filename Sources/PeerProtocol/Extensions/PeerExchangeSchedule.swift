public import SwarmTypes

/// When one connection sends its peer exchange messages and what is in them, and whether the peer keeps to the rules
/// (BEP 11): not on private torrents, nothing in the first 10 seconds, then one message a minute.
public struct PeerExchangeSchedule: Sendable {
    public enum Judgement: Hashable, Sendable {
        case use
        case ignore
        case close(CloseReason)
    }

    private static let firstAfterSeconds = 10.0
    private static let intervalSeconds = 60.0
    /// A peer may be early or send some at once, but on average no oftener than this.
    private static let acceptedIntervalSeconds = 45.0
    private static let acceptedBurst = 5.0

    private let isPrivate: Bool
    /// Whom the peer thinks that we are connected with, in the order of telling: a set's order differs from run to run.
    private var told: [PeerAddress] = []
    private var due: Instant
    private var allowance = Self.acceptedBurst
    private var allowedAt: Instant

    public init(isPrivate: Bool, establishedAt now: Instant) {
        self.isPrivate = isPrivate
        self.due = now.advanced(bySeconds: Self.firstAfterSeconds)
        self.allowedAt = now
    }

    /// When `message` may have one; nil on a private torrent.
    public var nextDeadline: Instant? { self.isPrivate ? nil : self.due }

    /// The message to send, or nil when it is too early or nothing has changed.
    ///
    /// - Parameter connected: All with whom we are connected, but the peer itself.
    public mutating func message(
        connected: some Collection<PeerContact>, at now: Instant
    ) -> PeerExchangeMessage? {
        guard !self.isPrivate, now >= self.due else { return nil }
        self.due = now.advanced(bySeconds: Self.intervalSeconds)
        let (addresses, told) = (Set(connected.map(\.address)), Set(self.told))
        let added = connected.filter { $0.address.isUsable && !told.contains($0.address) }
        let dropped = self.told.filter { !addresses.contains($0) }
        let message = PeerExchangeMessage(
            added: Array(added.prefix(PeerExchangeMessage.maximumContacts)),
            dropped: Array(dropped.prefix(PeerExchangeMessage.maximumContacts)))
        guard !message.added.isEmpty || !message.dropped.isEmpty else { return nil }
        let gone = Set(message.dropped)
        self.told.removeAll { gone.contains($0) }
        self.told += message.added.map(\.address)
        return message
    }

    /// What to do with a message of the peer.
    public mutating func received(at now: Instant) -> Judgement {
        guard !self.isPrivate else { return .ignore }
        let refill = now.seconds(since: self.allowedAt) / Self.acceptedIntervalSeconds
        self.allowance = min(Self.acceptedBurst, self.allowance + max(0, refill))
        self.allowedAt = now
        guard self.allowance >= 1 else { return .close(.badExtensionMessage) }
        self.allowance -= 1
        return .use
    }
}
