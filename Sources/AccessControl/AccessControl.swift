import Digests
public import EventIO
public import SwarmTypes

/// Who may do what: people by name and password, programs by keys, both from one database.
///
/// From any thread. What takes long (hashing a password, writing the database) runs on a thread of its own, one at a time.
public final class AccessControl: Sendable {
    private struct State {
        var users: [String: String]
        var keys: [[UInt8]: AccessKey]
        var sessions = SessionTable()
        var attempts = AttemptGuard()
        var waiting = 0
        var setUpToken: String?
        var configuredKey: String?
        /// First users that are being made.
        var settingUp = 0
        /// Counts what takes somebody's access away.
        var withdrawals = 0

        /// Takes what the database has now.
        /// - Returns: a new set-up token, when there is no user any more.
        mutating func take(_ users: [String: String], _ keys: [[UInt8]: AccessKey]) -> String? {
            for (name, hash) in self.users where users[name] != hash {
                self.sessions.endAll(of: name)
                self.withdrawals += 1
            }
            // Who needed no name so far needs one now.
            if self.users.isEmpty, !users.isEmpty { self.withdrawals += 1 }
            if self.keys.contains(where: { keys[$0.key] != $0.value }) { self.withdrawals += 1 }
            (self.users, self.keys) = (users, keys)
            if !users.isEmpty {
                // Who sets up needs the token until it is done.
                if self.settingUp == 0 { self.setUpToken = nil }
                return nil
            }
            guard self.setUpToken == nil else { return nil }
            self.setUpToken = Secret.make()
            return self.setUpToken
        }
    }

    /// That wait for a password to be hashed.
    static let maximumWaiting = 16

    private let thread: EventLoop
    /// Touched on the thread only.
    private let store: StoreBox
    private let state: Lock<State>
    private let now: @Sendable () -> Instant
    private let watch: AccessWatch
    private let needsSetUpAgain: @Sendable (String) -> Void

    /// Opens or makes the database. Without a user in it there is a token with which the first one is made.
    /// - Parameter needsSetUpAgain: called with a new token when a command has removed the last user.
    public init(
        path: String, configuredKey: String?, now: @escaping @Sendable () -> Instant = { monotonicNow() },
        needsSetUpAgain: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(AccessFailure) {
        let store = try AccessStore(path: path)
        self.watch = try AccessWatch(path: path)
        self.needsSetUpAgain = needsSetUpAgain
        let users = try store.users()
        let keys = try store.keys()
        do {
            self.thread = try EventLoop(name: "access")
            try self.thread.start()
        } catch {
            throw .store(error.description)
        }
        self.store = StoreBox(store)
        self.now = now
        self.state = Lock(
            State(
                users: users, keys: keys, setUpToken: users.isEmpty ? Secret.make() : nil,
                configuredKey: configuredKey.flatMap { $0.isEmpty ? nil : $0 }))
    }

    public func close() {
        let store = self.store
        self.thread.post { store.store.foldLog() }
        self.thread.stop()
        self.thread.join()
    }

    /// For the log, once; nil as soon as there is a user.
    public var setUpToken: String? { self.refreshed { $0.setUpToken } }

    /// Rises with everything that takes somebody's access away: whoever lets somebody go on without asking again asks when
    /// it has risen.
    public var withdrawals: Int { self.refreshed { $0.withdrawals } }

    /// With what commands have written meanwhile.
    private func refreshed<Value>(_ body: (inout State) -> Value) -> Value {
        var token: String?
        self.watch.refresh { users, keys in token = self.state.withLock { $0.take(users, keys) } }
        if let token { self.needsSetUpAgain(token) }
        return self.state.withLock { body(&$0) }
    }

    public func setConfiguredKey(_ key: String?) {
        self.state.withLock { $0.configuredKey = key.flatMap { $0.isEmpty ? nil : $0 } }
    }

    // MARK: - Who asks

    /// - Parameter isUse: False for a mere look, which does not let the session live longer.
    public func identity(ofSession secret: String, isUse: Bool = true) -> AccessIdentity? {
        guard let digest = Secret.digest(of: secret) else { return nil }
        let now = self.now()
        return self.refreshed { state in
            state.sessions.use(digest, isUse: isUse, at: now).map {
                AccessIdentity(kind: .session, name: $0, role: .admin)
            }
        }
    }

    public func identity(ofKey secret: String) -> AccessIdentity? {
        guard let digest = Secret.digest(of: secret) else { return nil }
        return self.refreshed { state in
            if let key = state.configuredKey, secretsAreEqual(key, secret) {
                return AccessIdentity(kind: .configuredKey, name: "configuration", role: .admin)
            }
            // By digest: how long it takes says nothing of the secret.
            return state.keys[digest].map { AccessIdentity(kind: .key, name: $0.name, role: $0.role) }
        }
    }

    // MARK: - Logging in

    /// Answers the new session's secret.
    public func logIn(
        name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String {
        let hash = try self.begin(from: address) { $0.users[name] }
        // As long for names that nobody has.
        let isRight = await self.onThread { _ in
            PasswordHashing.verify(password, against: hash ?? PasswordHashing.nobodys) && hash != nil
        }
        let now = self.now()
        let secret = Secret.make()
        guard let digest = Secret.digest(of: secret) else { throw .store("the library has no SHA-256") }
        let isCurrent = self.refreshed { state in
            state.waiting -= 1
            // Changed meanwhile.
            let isCurrent = isRight && state.users[name] == hash
            if isCurrent {
                state.attempts.succeeded(address)
                state.sessions.begin(digest, user: name, from: address, at: now)
            } else {
                state.attempts.failed(address, at: now)
            }
            return isCurrent
        }
        guard isCurrent else { throw .wrongPassword }
        return secret
    }

    public func logOut(session secret: String) {
        guard let digest = Secret.digest(of: secret) else { return }
        self.state.withLock { state in
            state.sessions.end(digest)
            state.withdrawals += 1
        }
    }

    /// Makes the first user, for whoever has read the log; answers a session.
    public func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String {
        try checkName(name)
        try checkPassword(password)
        let right = try self.begin(from: address) { $0.setUpToken }
        guard let right, secretsAreEqual(right, token) else {
            let now = self.now()
            self.state.withLock { state in
                state.waiting -= 1
                state.attempts.failed(address, at: now)
            }
            throw right == nil ? .alreadySetUp : .wrongToken
        }
        self.state.withLock { $0.settingUp += 1 }
        defer {
            self.state.withLock { state in
                state.waiting -= 1
                state.settingUp -= 1
            }
        }
        try await self.keep(password, of: name) { state in
            guard state.setUpToken != nil else { return false }
            state.setUpToken = nil
            state.withdrawals += 1
            return true
        }
        return try self.newSession(of: name, from: address)
    }

    /// Ends all sessions of the user.
    public func setPassword(_ password: String, of name: String) async throws(AccessFailure) {
        try checkName(name)
        try checkPassword(password)
        try await self.keep(password, of: name) { state in
            state.setUpToken = nil
            state.sessions.endAll(of: name)
            state.withdrawals += 1
            return true
        }
    }

    /// For the user alone, who has to know the present one; answers a new session, and ends all others.
    public func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String {
        try checkPassword(new)
        let first = try await self.logIn(name: name, password: old, from: address)
        do throws(AccessFailure) {
            try await self.setPassword(new, of: name)
        } catch {
            self.logOut(session: first)
            throw error
        }
        return try self.newSession(of: name, from: address)
    }

    private func newSession(of name: String, from address: String) throws(AccessFailure) -> String {
        let secret = Secret.make()
        guard let digest = Secret.digest(of: secret) else { throw .store("the library has no SHA-256") }
        let now = self.now()
        self.state.withLock { $0.sessions.begin(digest, user: name, from: address, at: now) }
        return secret
    }

    /// Nobody hashes who comes too often, and only a few at once.
    private func begin<Value: Sendable>(
        from address: String, _ read: @Sendable (borrowing State) -> Value
    ) throws(AccessFailure) -> Value {
        let now = self.now()
        let outcome: Result<Value, AccessFailure> = self.refreshed { state in
            if let seconds = state.attempts.wait(for: address, at: now) {
                return .failure(.tooManyAttempts(seconds: Int(seconds.rounded(.up))))
            }
            guard state.waiting < Self.maximumWaiting else { return .failure(.busy) }
            state.waiting += 1
            return .success(read(state))
        }
        return try outcome.get()
    }

    /// Hashes and records a password, and takes it into use when `admit` agrees.
    private func keep(
        _ password: String, of name: String, admit: @escaping @Sendable (inout State) -> Bool
    ) async throws(AccessFailure) {
        let outcome: Result<String, AccessFailure> = await self.onThread { store in
            guard let hash = PasswordHashing.hash(password) else {
                return .failure(.store("there is not enough memory to hash a password"))
            }
            do throws(AccessFailure) {
                try store.setPassword(of: name, to: hash)
                return .success(hash)
            } catch {
                return .failure(error)
            }
        }
        let hash = try outcome.get()
        let isAdmitted = self.state.withLock { state in
            guard admit(&state) else { return false }
            state.users[name] = hash
            return true
        }
        guard isAdmitted else { throw .alreadySetUp }
    }

    // MARK: - Sessions

    /// Of everybody, the one used last first.
    /// - Parameter own: The secret of the session that asks.
    public func sessions(own: String?) -> [AccessSession] {
        let digest = own.flatMap { Secret.digest(of: $0) }
        let now = self.now()
        return self.state.withLock { $0.sessions.list(at: now) }.map { item in
            AccessSession(
                id: Self.name(of: item.digest), user: item.session.user, address: item.session.address,
                ageSeconds: now.seconds(since: item.session.begunAt),
                idleSeconds: now.seconds(since: item.session.usedAt), isOwn: item.digest == digest)
        }
    }

    /// Answers whether there was one.
    public func endSession(_ id: String) -> Bool {
        let now = self.now()
        return self.state.withLock { state in
            let ended = state.sessions.list(at: now).filter { Self.name(of: $0.digest) == id }
            for item in ended { state.sessions.end(item.digest) }
            return !ended.isEmpty
        }
    }

    /// Of the digest's beginning: it names the session and lets nobody in.
    private static func name(of digest: [UInt8]) -> String {
        digest.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: - Keys

    public var keys: [AccessKey] {
        self.refreshed { Array($0.keys.values) }.sorted { $0.name < $1.name }
    }

    /// Answers the key's secret, which cannot be read again.
    public func createKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) async throws(AccessFailure) -> String {
        try checkName(name)
        guard !self.keys.contains(where: { $0.name == name }) else { throw .nameTaken }
        let secret = Secret.makeKey()
        guard let digest = Secret.digest(of: secret) else { throw .store("the library has no SHA-256") }
        let key = AccessKey(name: name, role: role, createdAt: secondsSince1970)
        try await self.storing { store throws(AccessFailure) in try store.add(key, digest: digest) }
        self.state.withLock { $0.keys[digest] = key }
        return secret
    }

    public func revokeKey(_ name: String) async throws(AccessFailure) {
        guard self.keys.contains(where: { $0.name == name }) else { throw .noSuchKey }
        try await self.storing { store throws(AccessFailure) in try store.removeKey(name) }
        self.state.withLock { state in
            state.keys = state.keys.filter { $0.value.name != name }
            state.withdrawals += 1
        }
    }

    private func storing(
        _ body: @escaping @Sendable (AccessStore) throws(AccessFailure) -> Void
    ) async throws(AccessFailure) {
        let outcome: Result<Void, AccessFailure> = await self.onThread { store in
            do throws(AccessFailure) { return .success(try body(store)) } catch { return .failure(error) }
        }
        try outcome.get()
    }

    private func onThread<Value: Sendable>(_ body: @escaping @Sendable (AccessStore) -> Value) async -> Value
    {
        let store = self.store
        return await withCheckedContinuation { continuation in
            self.thread.post { continuation.resume(returning: body(store.store)) }
        }
    }
}

/// Hands the store to its thread. It is used there only, which is the proof of the unchecked promise.
private struct StoreBox: @unchecked Sendable {
    let store: AccessStore

    init(_ store: AccessStore) { self.store = store }
}

func checkName(_ name: String) throws(AccessFailure) {
    let isPlain = name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
    guard isPlain, 1...64 ~= name.utf8.count else { throw .badName }
}

func checkPassword(_ password: String) throws(AccessFailure) {
    guard password.count >= PasswordHashing.minimumCharacters else {
        throw .passwordTooShort(minimum: PasswordHashing.minimumCharacters)
    }
    guard password.utf8.count <= PasswordHashing.maximumBytes else {
        throw .passwordTooLong(maximum: PasswordHashing.maximumBytes)
    }
}
