import AccessControl
import ControlAPI
import EventIO

/// Takes each role's name as the secret of a session or key of that role, and lets everything be done.
struct FakeAccess: AccessDeciding {
    let withdrawals = 0

    var needsSetUp = true

    func identity(ofSession secret: String, isUse: Bool) -> AccessIdentity? {
        AccessRole(rawValue: secret).map { AccessIdentity(kind: .session, name: "me", role: $0) }
    }

    func identity(ofKey secret: String) -> AccessIdentity? {
        AccessRole(rawValue: secret).map { AccessIdentity(kind: .key, name: "program", role: $0) }
    }

    func logIn(name: String, password: String, from address: String) async throws(AccessFailure) -> String {
        "s"
    }
    func logOut(session secret: String) {}

    func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String {
        guard token == "right" else { throw .wrongToken }
        return "s"
    }

    func setPassword(_ password: String, of name: String) async throws(AccessFailure) {}

    func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String { "s" }

    func sessions(own: String?) -> [AccessSession] {
        [AccessSession(id: "ab", user: "me", address: "::1", ageSeconds: 5, idleSeconds: 1, isOwn: true)]
    }

    func endSession(_ id: String) -> Bool { id == "ab" }

    var keys: [AccessKey] { [] }

    func createKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) async throws(AccessFailure) -> String { "k" }

    func revokeKey(_ name: String) async throws(AccessFailure) {}
}

/// The same, of whom some are let in no more. Everybody has to log in.
final class RevocableAccess: AccessDeciding {
    let revoked = Lock<Set<String>>([])
    private let all = FakeAccess(needsSetUp: false)

    private func isRevoked(_ secret: String) -> Bool { self.revoked.withLock { $0.contains(secret) } }

    var withdrawals: Int { self.revoked.withLock { $0.count } }
    var needsSetUp: Bool { false }
    var keys: [AccessKey] { [] }

    func identity(ofSession secret: String, isUse: Bool) -> AccessIdentity? {
        self.isRevoked(secret) ? nil : self.all.identity(ofSession: secret, isUse: isUse)
    }

    func identity(ofKey secret: String) -> AccessIdentity? {
        self.isRevoked(secret) ? nil : self.all.identity(ofKey: secret)
    }

    func logIn(name: String, password: String, from address: String) async throws(AccessFailure) -> String {
        "s"
    }
    func logOut(session secret: String) {}
    func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String { "s" }
    func setPassword(_ password: String, of name: String) async throws(AccessFailure) {}
    func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String { "s" }
    func sessions(own: String?) -> [AccessSession] { [] }
    func endSession(_ id: String) -> Bool { false }
    func createKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) async throws(AccessFailure) -> String { "k" }
    func revokeKey(_ name: String) async throws(AccessFailure) {}
}
