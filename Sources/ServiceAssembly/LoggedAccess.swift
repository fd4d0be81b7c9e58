import AccessControl
import ControlAPI
import LogOutput

/// Writes to the log who was refused, with the address of the client, so that a firewall can be told. Names are left out:
/// a password may have been typed in their place.
struct LoggedAccess: AccessDeciding {
    let access: AccessControl
    let logger: Logger

    var needsSetUp: Bool { self.access.needsSetUp }
    var keys: [AccessKey] { self.access.keys }

    var withdrawals: Int { self.access.withdrawals }

    func identity(ofSession secret: String, isUse: Bool) -> AccessIdentity? {
        self.access.identity(ofSession: secret, isUse: isUse)
    }

    func identity(ofKey secret: String) -> AccessIdentity? { self.access.identity(ofKey: secret) }

    func logIn(name: String, password: String, from address: String) async throws(AccessFailure) -> String {
        do throws(AccessFailure) {
            return try await self.access.logIn(name: name, password: password, from: address)
        } catch {
            throw self.refused(error, address)
        }
    }

    func logOut(session secret: String) { self.access.logOut(session: secret) }

    func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String {
        do throws(AccessFailure) {
            let session = try await self.access.setUp(
                token: token, name: name, password: password, from: address)
            self.logger.info("the first user was made", ["address": .text(address)])
            return session
        } catch {
            throw self.refused(error, address)
        }
    }

    func setPassword(_ password: String, of name: String) async throws(AccessFailure) {
        try await self.access.setPassword(password, of: name)
    }

    func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String {
        do throws(AccessFailure) {
            return try await self.access.changePassword(of: name, from: old, to: new, address: address)
        } catch {
            throw self.refused(error, address)
        }
    }

    func sessions(own: String?) -> [AccessSession] { self.access.sessions(own: own) }
    func endSession(_ id: String) -> Bool { self.access.endSession(id) }

    func createKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) async throws(AccessFailure) -> String {
        try await self.access.createKey(name, role: role, secondsSince1970: secondsSince1970)
    }

    func revokeKey(_ name: String) async throws(AccessFailure) { try await self.access.revokeKey(name) }

    private func refused(_ failure: AccessFailure, _ address: String) -> AccessFailure {
        switch failure {
        case .wrongPassword, .wrongToken, .tooManyAttempts:
            self.logger.warning(
                "a log-in was refused", ["address": .text(address), "reason": .text("\(failure)")])
        default: break
        }
        return failure
    }
}
