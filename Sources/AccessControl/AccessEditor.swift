import SQLiteStore

/// Users and keys for a command: beside a running Weir, which sees each change at once, or without one.
public struct AccessEditor: Sendable {
    public let path: String

    /// - Parameter path: of the database. It is made with the first user or key.
    public init(path: String) { self.path = path }

    public func users() throws(AccessFailure) -> [String] {
        guard let store = try self.existing() else { return [] }
        return try store.users().keys.sorted()
    }

    public func keys() throws(AccessFailure) -> [AccessKey] {
        guard let store = try self.existing() else { return [] }
        return try store.keys().values.sorted { $0.name < $1.name }
    }

    /// Says what is wrong with a name or a password before anybody is asked for more.
    public func check(name: String, password: String?) throws(AccessFailure) {
        try checkName(name)
        if let password { try checkPassword(password) }
    }

    public func addUser(_ name: String, password: String) throws(AccessFailure) {
        try self.write(password, of: name) { $0 == nil ? nil : .userExists }
    }

    /// Ends the sessions of the user.
    public func setPassword(_ password: String, of name: String) throws(AccessFailure) {
        try self.write(password, of: name) { $0 == nil ? .noSuchUser : nil }
    }

    /// Ends the sessions of the user.
    /// - Parameter mayBeLast: whether nobody may be left who can log in.
    public func removeUser(_ name: String, mayBeLast: Bool) throws(AccessFailure) {
        guard let store = try self.existing() else { throw .noSuchUser }
        try store.exclusively { () throws(AccessFailure) in
            let users = try store.users()
            guard users[name] != nil else { throw .noSuchUser }
            guard users.count > 1 || mayBeLast else { throw .lastUser }
            try store.removeUser(name)
        }
    }

    /// Answers the key's secret, which cannot be read again.
    public func addKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) throws(AccessFailure) -> String {
        try checkName(name)
        let secret = Secret.makeKey()
        guard let digest = Secret.digest(of: secret) else { throw .store("the library has no SHA-256") }
        let store = try AccessStore(besideOwnerAt: self.path)
        try store.exclusively { () throws(AccessFailure) in
            guard try !store.keys().values.contains(where: { $0.name == name }) else { throw .nameTaken }
            try store.add(AccessKey(name: name, role: role, createdAt: secondsSince1970), digest: digest)
        }
        return secret
    }

    public func revokeKey(_ name: String) throws(AccessFailure) {
        guard let store = try self.existing() else { throw .noSuchKey }
        try store.exclusively { () throws(AccessFailure) in
            guard try store.keys().values.contains(where: { $0.name == name }) else { throw .noSuchKey }
            try store.removeKey(name)
        }
    }

    private func write(
        _ password: String, of name: String, unless refusal: (String?) -> AccessFailure?
    ) throws(AccessFailure) {
        try self.check(name: name, password: password)
        guard let hash = PasswordHashing.hash(password) else {
            throw .store("there is not enough memory to hash a password")
        }
        let store = try AccessStore(besideOwnerAt: self.path)
        try store.exclusively { () throws(AccessFailure) in
            if let refusal = refusal(try store.users()[name]) { throw refusal }
            try store.setPassword(of: name, to: hash)
        }
    }

    /// Looking makes nothing.
    private func existing() throws(AccessFailure) -> AccessStore? {
        guard Database.exists(at: self.path) else { return nil }
        return try AccessStore(besideOwnerAt: self.path)
    }
}
