import AccessControl
import ControlAPI
import EventIO

/// One user at most, whom the token "let me in" makes; passwords as they are, because nothing here is real.
final class MadeUpAccess: AccessDeciding {
    let withdrawals = 0

    private struct State {
        var user: (name: String, password: String)?
        var sessions: [String: String] = [:]
    }

    private let state = Lock(State())

    var needsSetUp: Bool { self.state.withLock { $0.user == nil } }
    var keys: [AccessKey] { [] }

    func identity(ofKey secret: String) -> AccessIdentity? { nil }

    func identity(ofSession secret: String) -> AccessIdentity? {
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

    func setPassword(_ password: String, of name: String) async throws(AccessFailure) {}
    func createKey(_ name: String, role: AccessRole, secondsSince1970: Int64) async throws(AccessFailure)
        -> String
    { "" }
    func revokeKey(_ name: String) async throws(AccessFailure) {}
}
