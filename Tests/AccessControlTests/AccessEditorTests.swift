import EventIO
import TestKit
import Testing

@testable import AccessControl

private let password = "correct horse"

private func failure(_ body: () throws -> Void) -> AccessFailure? {
    do {
        try body()
        return nil
    } catch {
        return error as? AccessFailure
    }
}

private final class Tokens: Sendable {
    let list = Lock<[String]>([])
}

private final class Flag: Sendable {
    let isSet = Lock(false)
}

/// A running service's access, and what a command does beside it.
private struct Beside {
    let directory = TemporaryDirectory()
    let tokens = Tokens()
    let access: AccessControl
    let editor: AccessEditor

    init() throws {
        let path = self.directory.file("access.db")
        let tokens = self.tokens
        self.access = try AccessControl(
            path: path, configuredKey: nil,
            needsSetUpAgain: { token in tokens.list.withLock { $0.append(token) } })
        self.editor = AccessEditor(path: path)
    }
}

@Suite("Users and keys from a command")
struct AccessEditorTests {
    @Test("Without a running service users and keys are kept, and looking makes nothing")
    func alone() async throws {
        let directory = TemporaryDirectory()
        let editor = AccessEditor(path: directory.file("access.db"))
        #expect(try editor.users().isEmpty && editor.keys().isEmpty)
        #expect(failure { try editor.revokeKey("x") } == .noSuchKey)
        #expect(failure { try editor.removeUser("x", mayBeLast: true) } == .noSuchUser)
        try editor.addUser("anna", password: password)
        #expect(failure { try editor.addUser("anna", password: password) } == .userExists)
        #expect(failure { try editor.setPassword(password, of: "bert") } == .noSuchUser)
        #expect(failure { try editor.addUser("carl", password: "short") } == .passwordTooShort(minimum: 8))
        #expect(failure { try editor.addUser("a b", password: password) } == .badName)
        let key = try editor.addKey("sonarr", role: .control, secondsSince1970: 5)
        #expect(failure { _ = try editor.addKey("sonarr", role: .read, secondsSince1970: 5) } == .nameTaken)
        let access = try AccessControl(path: directory.file("access.db"), configuredKey: nil)
        defer { access.close() }
        #expect(access.setUpToken == nil)
        #expect(access.identity(ofKey: key)?.role == .control)
        _ = try await access.logIn(name: "anna", password: password, from: "1")
    }

    @Test("A running service sees a new key and a revoked one with the next question")
    func keys() async throws {
        let beside = try Beside()
        defer { beside.access.close() }
        let key = try beside.editor.addKey("sonarr", role: .read, secondsSince1970: 5)
        #expect(beside.access.identity(ofKey: key)?.role == .read)
        #expect(beside.access.keys.map(\.name) == ["sonarr"])
        let before = beside.access.withdrawals
        try beside.editor.revokeKey("sonarr")
        #expect(beside.access.identity(ofKey: key) == nil)
        #expect(beside.access.withdrawals > before)
        // And the other way round.
        let second = try await beside.access.createKey("radarr", role: .hook, secondsSince1970: 6)
        #expect(try beside.editor.keys().map(\.name) == ["radarr"])
        #expect(beside.access.identity(ofKey: second)?.role == .hook)
    }

    @Test("A new password and a removed user end the sessions of that user at once, and of no other")
    func sessions() async throws {
        let beside = try Beside()
        defer { beside.access.close() }
        try beside.editor.addUser("anna", password: password)
        try beside.editor.addUser("bert", password: password)
        #expect(beside.access.setUpToken == nil)
        let anna = try await beside.access.logIn(name: "anna", password: password, from: "1")
        let bert = try await beside.access.logIn(name: "bert", password: password, from: "1")
        try beside.editor.setPassword("another horse", of: "anna")
        #expect(beside.access.identity(ofSession: anna) == nil)
        #expect(beside.access.identity(ofSession: bert)?.name == "bert")
        await #expect(throws: AccessFailure.wrongPassword) {
            _ = try await beside.access.logIn(name: "anna", password: password, from: "2")
        }
        try beside.editor.removeUser("bert", mayBeLast: false)
        #expect(beside.access.identity(ofSession: bert) == nil)
        await #expect(throws: AccessFailure.wrongPassword) {
            _ = try await beside.access.logIn(name: "bert", password: password, from: "2")
        }
    }

    @Test("The last user stays unless it is forced; then a new token makes the first one again")
    func last() async throws {
        let beside = try Beside()
        defer { beside.access.close() }
        let first = try #require(beside.access.setUpToken)
        try beside.editor.addUser("anna", password: password)
        await #expect(throws: AccessFailure.alreadySetUp) {
            _ = try await beside.access.setUp(token: first, name: "eve", password: password, from: "3")
        }
        let session = try await beside.access.logIn(name: "anna", password: password, from: "1")
        #expect(failure { try beside.editor.removeUser("anna", mayBeLast: false) } == .lastUser)
        #expect(beside.access.identity(ofSession: session) != nil)
        try beside.editor.removeUser("anna", mayBeLast: true)
        #expect(beside.access.identity(ofSession: session) == nil)
        let token = try #require(beside.access.setUpToken)
        #expect(token != first)
        #expect(beside.tokens.list.withLock { $0 } == [token])
        _ = try await beside.access.setUp(token: token, name: "bert", password: password, from: "1")
        #expect(try beside.editor.users() == ["bert"])
    }

    @Test("A first user that is being made is not hindered by questions meanwhile")
    func setUpUnderQuestions() async throws {
        let beside = try Beside()
        defer { beside.access.close() }
        let access = beside.access
        let token = try #require(access.setUpToken)
        let isOver = Flag()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !isOver.isSet.withLock({ $0 }) {
                    _ = access.identity(ofKey: "x")
                    await Task.yield()
                }
            }
            let session = try? await access.setUp(token: token, name: "anna", password: password, from: "1")
            #expect(session.flatMap { access.identity(ofSession: $0) }?.name == "anna")
            isOver.isSet.withLock { $0 = true }
        }
        #expect(access.setUpToken == nil)
    }

    @Test("A password is never below eight characters nor above a kibibyte", arguments: ["", "1234567"])
    func passwords(password: String) throws {
        let editor = AccessEditor(path: TemporaryDirectory().file("access.db"))
        #expect(
            failure { try editor.check(name: "anna", password: password) } == .passwordTooShort(minimum: 8))
        #expect(
            failure { try editor.check(name: "anna", password: String(repeating: "x", count: 1025)) }
                == .passwordTooLong(maximum: 1024))
    }
}
