import AccessControl
import ControlAPI
import QBittorrentFacade
import SwarmTypes
public import WeirSettings

/// Lets into the facade whom the rest of Weir lets in: the same names, passwords and keys.
struct SharedAccess: FacadeAccess {
    let access: any AccessDeciding
    /// What the service is reached by: nobody from elsewhere comes in before there is a user.
    let isBoundToLoopback: Bool

    /// Nobody has to log in on this machine as long as nobody could.
    private var isOpen: Bool { self.isBoundToLoopback && self.access.needsSetUp }

    func logIn(
        name: String, password: String, from address: String, isForwarded: Bool
    ) async -> LogInOutcome {
        if self.isOpen, !isForwarded { return .notNeeded }
        // Programs are given keys, and many have no other place for them than the password.
        if self.access.identity(ofKey: password) != nil { return .granted(session: password) }
        do throws(AccessFailure) {
            return .granted(
                session: try await self.access.logIn(name: name, password: password, from: address))
        } catch {
            if case .tooManyAttempts = error { return .banned }
            return .wrong
        }
    }

    func logOut(session: String) { self.access.logOut(session: session) }

    func admits(_ credentials: FacadeCredentials) -> Bool {
        let needed: AccessRole = credentials.changesState ? .control : .read
        let found = [
            credentials.session.flatMap {
                self.access.identity(ofSession: $0, isUse: true) ?? self.access.identity(ofKey: $0)
            },
            credentials.bearer.flatMap { self.access.identity(ofKey: $0) },
        ]
        if let identity = found.compactMap({ $0 }).first { return identity.role.includes(needed) }
        return self.isOpen && !credentials.isForwarded
    }
}

/// The database of users and keys lies beside the journal.
func accessPath(_ databasePath: String) -> String {
    guard let slash = databasePath.lastIndex(of: "/") else { return "access.db" }
    return databasePath[...slash] + "access.db"
}

/// The database of users and keys that belongs to a configuration.
public func accessDatabasePath(_ settings: Settings) -> String { accessPath(settings.rollback.databasePath) }
