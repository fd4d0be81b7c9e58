import SwarmTypes

/// Those who are logged in. Only digests of their secrets are kept, and nothing over a restart.
struct SessionTable {
    struct Session {
        var user: String
        var address: String
        var begunAt: Instant
        var usedAt: Instant
    }

    static let idleSeconds = 86_400.0
    static let longestSeconds = 30 * 86_400.0
    static let maximumCount = 1000

    private var sessions: [[UInt8]: Session] = [:]

    mutating func begin(_ digest: [UInt8], user: String, from address: String, at now: Instant) {
        if self.sessions.count >= Self.maximumCount {
            self.sessions = self.sessions.filter { Self.lives($0.value, at: now) }
            if self.sessions.count >= Self.maximumCount,
                let oldest = self.sessions.min(by: { $0.value.usedAt < $1.value.usedAt })
            {
                self.sessions[oldest.key] = nil
            }
        }
        self.sessions[digest] = Session(user: user, address: address, begunAt: now, usedAt: now)
    }

    /// The user of a session that lives. A use lets it live on; a look does not.
    mutating func use(_ digest: [UInt8], isUse: Bool = true, at now: Instant) -> String? {
        guard var session = self.sessions[digest] else { return nil }
        guard Self.lives(session, at: now) else {
            self.sessions[digest] = nil
            return nil
        }
        guard isUse else { return session.user }
        session.usedAt = now
        self.sessions[digest] = session
        return session.user
    }

    mutating func end(_ digest: [UInt8]) { self.sessions[digest] = nil }

    /// Those that live, the one used last first.
    mutating func list(at now: Instant) -> [(digest: [UInt8], session: Session)] {
        self.sessions = self.sessions.filter { Self.lives($0.value, at: now) }
        return self.sessions.map { ($0.key, $0.value) }.sorted { $0.session.usedAt > $1.session.usedAt }
    }

    /// As when a password was changed.
    mutating func endAll(of user: String) { self.sessions = self.sessions.filter { $0.value.user != user } }

    private static func lives(_ session: Session, at now: Instant) -> Bool {
        now.seconds(since: session.usedAt) < self.idleSeconds
            && now.seconds(since: session.begunAt) < self.longestSeconds
    }
}
