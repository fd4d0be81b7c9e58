import AccessControl
import ControlAPI
import EventIO

/// One user at most, whom the token "let me in" makes; passwords and secrets as they are, because nothing here is real.
final class MadeUpAccess: AccessDeciding {
    let withdrawals = 0

    private struct State {
        var user: (name: String, password: String)?
        var sessions: [String: String] = [:]
        var keys: [AccessKey] = []
        var failures = 0
    }

    private let state = Lock(State())

    var needsSetUp: Bool { self.state.withLock { $0.user == nil } }
    var keys: [AccessKey] { self.state.withLock { $0.keys } }

    func identity(ofKey secret: String) -> AccessIdentity? {
        self.state.withLock { $0.keys }.first { secret == "key-\($0.name)" }
            .map { AccessIdentity(kind: .key, name: $0.name, role: $0.role) }
    }

    func identity(ofSession secret: String, isUse: Bool) -> AccessIdentity? {
        let name = self.state.withLock { $0.sessions[secret] }
        return name.map { AccessIdentity(kind: .session, name: $0, role: .admin) }
    }

    func logIn(name: String, password: String, from address: String) async throws(AccessFailure) -> String {
        let session: String? = self.state.withLock { state in
            guard let user = state.user, user.name == name, user.password == password else { return nil }
            let session = "session-\(state.sessions.count)-abcdefghijklmnopqrstuvwxyz"
            state.sessions[session] = name
            return session
        }
        let failures = self.state.withLock { state in
            state.failures = session == nil ? state.failures + 1 : 0
            return state.failures
        }
        guard failures < 4 else { throw .tooManyAttempts(seconds: 3) }
        guard let session else { throw .wrongPassword }
        return session
    }

    func logOut(session secret: String) { self.state.withLock { $0.sessions[secret] = nil } }

    func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String {
        guard token == "let me in" else { throw .wrongToken }
        self.state.withLock { $0.user = (name, password) }
        return try await self.logIn(name: name, password: password, from: address)
    }

    func setPassword(_ password: String, of name: String) async throws(AccessFailure) {
        self.state.withLock { $0.user = (name, password) }
    }

    func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String {
        _ = try await self.logIn(name: name, password: old, from: address)
        self.state.withLock { $0.sessions = [:] }
        try await self.setPassword(new, of: name)
        return try await self.logIn(name: name, password: new, from: address)
    }

    func sessions(own: String?) -> [AccessSession] {
        self.state.withLock { $0.sessions }.sorted { $0.key < $1.key }.map {
            AccessSession(
                id: String($0.key.prefix(9)), user: $0.value, address: "127.0.0.1", ageSeconds: 7200,
                idleSeconds: 3,
                isOwn: $0.key == own)
        }
    }

    func endSession(_ id: String) -> Bool {
        self.state.withLock { state in
            let ended = state.sessions.keys.filter { $0.hasPrefix(id) }
            for secret in ended { state.sessions[secret] = nil }
            return !ended.isEmpty
        }
    }

    func createKey(_ name: String, role: AccessRole, secondsSince1970: Int64) async throws(AccessFailure)
        -> String
    {
        let isNew = self.state.withLock { state in
            guard !state.keys.contains(where: { $0.name == name }) else { return false }
            state.keys.append(AccessKey(name: name, role: role, createdAt: secondsSince1970))
            return true
        }
        guard isNew else { throw .nameTaken }
        return "key-\(name)"
    }

    func revokeKey(_ name: String) async throws(AccessFailure) {
        self.state.withLock { $0.keys.removeAll { $0.name == name } }
    }
}
