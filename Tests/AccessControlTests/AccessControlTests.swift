import SwarmTypes
import TestKit
import Testing

@testable import AccessControl

@Suite struct AccessControlTests {
    let folder: TemporaryDirectory
    let access: AccessControl

    init() throws {
        self.folder = TemporaryDirectory()
        // A clock that stands still, however slow the machine is.
        self.access = try AccessControl(
            path: self.folder.file("access.sqlite"), configuredKey: "config-key",
            now: { Instant(nanoseconds: 1_000_000_000) })
    }

    @Test("The token of the first start makes the first user, once")
    func setUp() async throws {
        let token = try #require(self.access.setUpToken)
        #expect(token.utf8.count == 64)
        await #expect(throws: AccessFailure.wrongToken) {
            try await self.access.setUp(token: "x", name: "me", password: "long enough", from: "a")
        }
        await #expect(throws: AccessFailure.passwordTooShort(minimum: 8)) {
            try await self.access.setUp(token: token, name: "me", password: "short", from: "a")
        }
        let session = try await self.access.setUp(
            token: token, name: "me", password: "long enough", from: "a")
        #expect(self.access.identity(ofSession: session)?.role == .admin)
        #expect(self.access.setUpToken == nil)
        await #expect(throws: AccessFailure.alreadySetUp) {
            try await self.access.setUp(token: token, name: "you", password: "long enough", from: "a")
        }
    }

    @Test("Users live on over a restart, and sessions do not")
    func restart() async throws {
        let path = self.folder.file("other.sqlite")
        var first: AccessControl? = try AccessControl(path: path, configuredKey: nil)
        let session = try await first?.setUp(
            token: first?.setUpToken ?? "", name: "me", password: "long enough", from: "a")
        first?.close()
        first = nil
        let second = try AccessControl(path: path, configuredKey: nil)
        #expect(second.setUpToken == nil)
        #expect(second.identity(ofSession: session ?? "") == nil)
        let next = try await second.logIn(name: "me", password: "long enough", from: "a")
        #expect(second.identity(ofSession: next)?.name == "me")
        second.close()
    }

    @Test("A wrong password and an unknown name are refused alike, and guessing is slowed down")
    func wrongPassword() async throws {
        try await self.access.setPassword("long enough", of: "me")
        for name in ["me", "nobody", "me", "nobody", "me"] {
            await #expect(throws: AccessFailure.wrongPassword) {
                try await self.access.logIn(name: name, password: "wrong", from: "a")
            }
        }
        await #expect(throws: AccessFailure.tooManyAttempts(seconds: 2)) {
            try await self.access.logIn(name: "me", password: "long enough", from: "a")
        }
        // Others are not locked out.
        _ = try await self.access.logIn(name: "me", password: "long enough", from: "b")
    }

    @Test("Logging out and a new password end sessions")
    func sessionsEnd() async throws {
        try await self.access.setPassword("long enough", of: "me")
        let first = try await self.access.logIn(name: "me", password: "long enough", from: "a")
        let second = try await self.access.logIn(name: "me", password: "long enough", from: "a")
        self.access.logOut(session: first)
        #expect(self.access.identity(ofSession: first) == nil)
        #expect(self.access.identity(ofSession: second) != nil)
        try await self.access.setPassword("something else", of: "me")
        #expect(self.access.identity(ofSession: second) == nil)
    }

    @Test("Who is logged in is listed without secrets, and can be logged out by somebody else")
    func sessions() async throws {
        try await self.access.setPassword("long enough", of: "me")
        let first = try await self.access.logIn(name: "me", password: "long enough", from: "a")
        let second = try await self.access.logIn(name: "me", password: "long enough", from: "b")
        let listed = self.access.sessions(own: second)
        #expect(Set(listed.map(\.address)) == ["a", "b"])
        #expect(listed.filter(\.isOwn).map(\.address) == ["b"])
        #expect(listed.allSatisfy { $0.user == "me" && !first.hasPrefix($0.id) && !second.hasPrefix($0.id) })
        let other = try #require(listed.first { !$0.isOwn })
        #expect(self.access.endSession(other.id))
        #expect(!self.access.endSession(other.id))
        #expect(self.access.identity(ofSession: first) == nil)
        #expect(self.access.identity(ofSession: second) != nil)
    }

    @Test("Whoever knows the password can change it; a new session takes the place of all others")
    func change() async throws {
        try await self.access.setPassword("long enough", of: "me")
        let old = try await self.access.logIn(name: "me", password: "long enough", from: "a")
        await #expect(throws: AccessFailure.wrongPassword) {
            try await self.access.changePassword(of: "me", from: "wrong", to: "even longer", address: "a")
        }
        await #expect(throws: AccessFailure.passwordTooShort(minimum: 8)) {
            try await self.access.changePassword(of: "me", from: "long enough", to: "short", address: "a")
        }
        #expect(self.access.identity(ofSession: old) != nil)
        let new = try await self.access.changePassword(
            of: "me", from: "long enough", to: "even longer", address: "a")
        #expect(self.access.identity(ofSession: old) == nil)
        #expect(self.access.identity(ofSession: new)?.name == "me")
        #expect(self.access.sessions(own: new).count == 1)
        _ = try await self.access.logIn(name: "me", password: "even longer", from: "a")
    }

    @Test("A name that nobody has takes as long as a wrong password")
    func equalTime() async throws {
        // The same work: the hash that is compared with has the parameters of those that are made.
        let made = try #require(PasswordHashing.hash("long enough")).split(separator: "$")
        let nobodys = PasswordHashing.nobodys.split(separator: "$")
        #expect(made.prefix(3) == nobodys.prefix(3))
        #expect(made.map(\.count) == nobodys.map(\.count))
        #expect(!PasswordHashing.verify("", against: PasswordHashing.nobodys))
        // And the same time, as far as a busy machine can tell: the fastest of several, in turns. Without work an unknown name
        // would take a thousandth.
        try await self.access.setPassword("long enough", of: "me")
        var fastest: [String: Duration] = [:]
        for number in 0..<8 {
            for name in ["me", "nobody"] {
                let started = ContinuousClock.now
                _ = try? await self.access.logIn(name: name, password: "wrong", from: "\(name)-\(number)")
                let spent = ContinuousClock.now - started
                fastest[name] = min(fastest[name] ?? spent, spent)
            }
        }
        let (known, unknown) = (try #require(fastest["me"]), try #require(fastest["nobody"]))
        #expect(unknown > known / 3 && known > unknown / 3, "\(known) and \(unknown)")
    }

    @Test("Of a hundred who log in at once a few are served, one after another, and the others are told so")
    func crowd() async throws {
        try await self.access.setPassword("long enough", of: "me")
        let access = self.access
        let outcomes = await withTaskGroup(of: Bool?.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do throws(AccessFailure) {
                        _ = try await access.logIn(name: "me", password: "long enough", from: "\(number)")
                        return true
                    } catch {
                        return error == .busy ? false : nil
                    }
                }
            }
            return await group.reduce(into: [Bool?]()) { $0.append($1) }
        }
        #expect(outcomes.allSatisfy { $0 != nil })
        let served = outcomes.count { $0 == true }
        // How many find a place depends on how fast they come; sixteen do in any case.
        #expect(served >= AccessControl.maximumWaiting)
        _ = try await access.logIn(name: "me", password: "long enough", from: "later")
    }

    @Test("A key has its role until it is revoked, and is not kept as it is")
    func keys() async throws {
        let secret = try await self.access.createKey("sonarr", role: .control, secondsSince1970: 1)
        #expect(self.access.identity(ofKey: secret)?.role == .control)
        #expect(self.access.identity(ofKey: secret + "x") == nil)
        #expect(self.access.identity(ofKey: "config-key")?.role == .admin)
        await #expect(throws: AccessFailure.nameTaken) {
            try await self.access.createKey("sonarr", role: .read, secondsSince1970: 1)
        }
        #expect(self.access.keys.map(\.name) == ["sonarr"])
        try await self.access.revokeKey("sonarr")
        #expect(self.access.identity(ofKey: secret) == nil)
        await #expect(throws: AccessFailure.noSuchKey) { try await self.access.revokeKey("sonarr") }
    }

    @Test("Roles include one another as they are described")
    func roles() {
        let table: [AccessRole: Set<AccessRole>] = [
            .hook: [.hook], .read: [.read], .control: [.hook, .read, .control],
            .admin: [.hook, .read, .control, .admin],
        ]
        for role in AccessRole.allCases {
            #expect(Set(AccessRole.allCases.filter { role.includes($0) }) == table[role])
        }
    }

    @Test("A password's hash is argon2id of 64 MiB, and of its own salt")
    func hashes() throws {
        let one = try #require(PasswordHashing.hash("long enough"))
        let two = try #require(PasswordHashing.hash("long enough"))
        #expect(one.hasPrefix("$argon2id$v=19$m=65536,t=3,p=2$"))
        #expect(one != two)
        #expect(PasswordHashing.verify("long enough", against: one))
        #expect(!PasswordHashing.verify("long enougH", against: one))
        #expect(!PasswordHashing.verify("x", against: "no hash"))
    }
}
