public import SwarmTypes

/// What waits to be told, bounded: things of one kind that come together become one message, one message is under way at a
/// time, and one that fails is tried again ever later.
public struct NoticeOutbox: Sendable {
    /// How an attempt ended.
    public enum Attempt: Hashable, Sendable {
        case taken
        /// Trying again may help.
        case failed
        /// Trying again does not help: the receiver says no.
        case refused
    }

    /// What follows from an attempt.
    public enum Consequence: Hashable, Sendable {
        case done
        case again(afterSeconds: Double)
        case givenUp(NoticeMessage)
    }

    /// Things of one kind are collected for so long.
    static let collectSeconds = 2.0
    /// Between two messages of one kind lies so much.
    static let spacingSeconds = 60.0
    static let maximumLines = 10
    static let firstRetrySeconds = 5.0
    static let longestRetrySeconds = 600.0
    /// 5, 10, 20 … 600 s: given up after about an hour.
    static let maximumTries = 12
    /// Of what was told and is not to be told again soon.
    static let maximumTold = 200

    private struct Pending {
        var lines: [String]
        var count: Int
        var since: Instant
        var time: Int64
    }

    private struct Told: Hashable {
        var kind: NoticeKind
        var line: String
    }

    private var pending: [NoticeKind: Pending] = [:]
    private var lastSent: [NoticeKind: Instant] = [:]
    private var told: [Told: Instant] = [:]
    private var current: (message: NoticeMessage, tries: Int, at: Instant)?
    private var isUnderWay = false

    public init() {}

    /// - Parameter secondsSince1970: for the message.
    public mutating func add(
        _ kind: NoticeKind, _ line: String, at now: Instant, secondsSince1970: Int64
    ) {
        let line = plainLine(line)
        guard self.isNews(kind, line, at: now) else { return }
        var waiting =
            self.pending[kind] ?? Pending(lines: [], count: 0, since: now, time: secondsSince1970)
        guard !waiting.lines.contains(line) else { return }
        waiting.count += 1
        if waiting.lines.count < Self.maximumLines { waiting.lines.append(line) }
        self.pending[kind] = waiting
    }

    /// The message to send now; it is under way until `ended`.
    public mutating func next(at now: Instant) -> NoticeMessage? {
        guard !self.isUnderWay else { return nil }
        if self.current == nil, let kind = self.firstDue(at: now), let waiting = self.pending[kind] {
            self.pending[kind] = nil
            self.lastSent[kind] = now
            self.current = (
                NoticeMessage(kind: kind, lines: waiting.lines, count: waiting.count, time: waiting.time), 0,
                now
            )
        }
        guard let current = self.current, current.at <= now else { return nil }
        self.isUnderWay = true
        return current.message
    }

    public mutating func ended(_ attempt: Attempt, at now: Instant) -> Consequence {
        guard self.isUnderWay, var current = self.current else { return .done }
        self.isUnderWay = false
        current.tries += 1
        switch attempt {
        case .taken:
            self.current = nil
            return .done
        case .failed where current.tries < Self.maximumTries:
            var seconds = Self.firstRetrySeconds
            for _ in 1..<current.tries { seconds = min(seconds * 2, Self.longestRetrySeconds) }
            current.at = now.advanced(bySeconds: seconds)
            self.current = current
            return .again(afterSeconds: seconds)
        case .failed, .refused:
            self.current = nil
            return .givenUp(current.message)
        }
    }

    /// When `next` is worth asking; nil while nothing waits or something is under way.
    public var nextDeadline: Instant? {
        if self.isUnderWay { return nil }
        if let current = self.current { return current.at }
        return self.pending.map { self.due($0.key, $0.value) }.min()
    }

    /// Forgets what waits, for another receiver.
    public mutating func clear() {
        self.pending = [:]
        self.current = nil
        self.isUnderWay = false
        self.told = [:]
        self.lastSent = [:]
    }

    private func due(_ kind: NoticeKind, _ waiting: Pending) -> Instant {
        let collected = waiting.since.advanced(bySeconds: Self.collectSeconds)
        guard let last = self.lastSent[kind] else { return collected }
        return max(collected, last.advanced(bySeconds: Self.spacingSeconds))
    }

    /// What came first goes first.
    private func firstDue(at now: Instant) -> NoticeKind? {
        self.pending.filter { self.due($0.key, $0.value) <= now }
            .min { ($0.value.since, $0.key.rawValue) < ($1.value.since, $1.key.rawValue) }?.key
    }

    private mutating func isNews(_ kind: NoticeKind, _ line: String, at now: Instant) -> Bool {
        guard kind.repeatSeconds > 0 else { return true }
        let key = Told(kind: kind, line: line)
        if let last = self.told[key], now.seconds(since: last) < kind.repeatSeconds { return false }
        if self.told.count >= Self.maximumTold {
            self.told = self.told.filter { now.seconds(since: $0.value) < $0.key.kind.repeatSeconds }
            if self.told.count >= Self.maximumTold { self.told = [:] }
        }
        self.told[key] = now
        return true
    }
}
