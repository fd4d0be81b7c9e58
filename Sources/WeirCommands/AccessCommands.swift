import AccessControl
import CommandLineParsing
import Glibc
import JSONValues
import ServiceAssembly
import WeirSettings

private let passwordFile = OptionSpec.value(
    "password-file", nil, "FILE", "Take the password from the first line of a file; - is standard input",
    completion: .files)

private let passwordDetails =
    "The password is asked for on the terminal, or read from standard input or a file; never from the command line, which others on the machine can read. A running Weir sees the change at once."

let userAddCommand = Command(
    spec: CommandSpec(
        "add", "Make a user, who may do everything", details: [passwordDetails],
        options: [CommonOption.config, CommonOption.state, passwordFile],
        arguments: [ArgumentSpec("NAME", "The new user's name")],
        examples: [CommandExample("weir user add anna", "Asks for the password twice")])
) { invocation throws(ServiceFailure) in
    let name = try invocation.name
    try invocation.editing { editor throws(AccessFailure) in try editor.check(name: name, password: nil) }
    let password = try invocation.newPassword()
    try invocation.editing { editor throws(AccessFailure) in try editor.addUser(name, password: password) }
    invocation.output.say("\(name) may log in.")
    return .done
}

let userPasswordCommand = Command(
    spec: CommandSpec(
        "password", "Give a user a new password, and end the user's sessions", details: [passwordDetails],
        options: [CommonOption.config, CommonOption.state, passwordFile],
        arguments: [ArgumentSpec("NAME", "The user")])
) { invocation throws(ServiceFailure) in
    let name = try invocation.name
    let password = try invocation.newPassword()
    try invocation.editing { editor throws(AccessFailure) in
        try editor.setPassword(password, of: name)
    }
    invocation.output.say("\(name) has a new password; the sessions of before have ended.")
    return .done
}

let userRemoveCommand = Command(
    spec: CommandSpec(
        "remove", "Remove a user, and end the user's sessions",
        details: [
            "Without any user whoever reads the log can make the first one again, by a new set-up token."
        ],
        options: [
            CommonOption.config, CommonOption.state,
            .flag("force", "f", "Also when nobody is left who can log in"),
        ],
        arguments: [ArgumentSpec("NAME", "The user")])
) { invocation throws(ServiceFailure) in
    let name = try invocation.name
    let mayBeLast = invocation.parsed.has("force")
    try invocation.editing { editor throws(AccessFailure) in
        try editor.removeUser(name, mayBeLast: mayBeLast)
    }
    invocation.output.say("\(plain(name)) is removed.")
    return .done
}

let userListCommand = Command(
    spec: CommandSpec(
        "list", "Show who may log in", options: [CommonOption.config, CommonOption.state, CommonOption.json])
) { invocation throws(ServiceFailure) in
    let users = try invocation.editing { editor throws(AccessFailure) in try editor.users() }
    if invocation.wantsJSON {
        invocation.output.printJSON { $0.member("users", users) }
    } else {
        for user in users { invocation.output.print(plain(user)) }
        if users.isEmpty {
            invocation.output.say("Nobody may log in yet. `weir user add NAME` makes a user.")
        }
    }
    return .done
}

let keyAddCommand = Command(
    spec: CommandSpec(
        "add", "Make a key for a program, and print it this once",
        details: [
            "hook may knock at the webhook; read sees everything; control changes torrents, limits and caps; admin also gives keys."
        ],
        options: [
            CommonOption.config, CommonOption.state, CommonOption.json,
            .value(
                "role", "r", "ROLE", "What the key may do; control is the usual one",
                completion: .words(AccessRole.allCases.map(\.rawValue))),
        ],
        arguments: [ArgumentSpec("NAME", "What the key is for")],
        examples: [CommandExample("weir key add sonarr --role control", "A key for Sonarr")])
) { invocation throws(ServiceFailure) in
    let name = try invocation.name
    guard let role = invocation.parsed.value("role").flatMap({ AccessRole(rawValue: $0) }) else {
        throw .usage("say what the key may do: --role hook, read, control or admin")
    }
    let secret = try invocation.editing { editor throws(AccessFailure) in
        try editor.addKey(name, role: role, secondsSince1970: Int64(time(nil)))
    }
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member("name", name)
            json.member("role", role.rawValue)
            json.member("key", secret)
        }
    } else {
        invocation.output.print(secret)
        invocation.output.say("This is the key of \(name), and it is shown this once only.")
    }
    return .done
}

let keyListCommand = Command(
    spec: CommandSpec(
        "list", "Show the keys of programs, without their secrets",
        options: [CommonOption.config, CommonOption.state, CommonOption.json])
) { invocation throws(ServiceFailure) in
    let keys = try invocation.editing { editor throws(AccessFailure) in try editor.keys() }
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member(
                "keys",
                array: { json in
                    for key in keys {
                        json.object { json in
                            json.member("name", key.name)
                            json.member("role", key.role.rawValue)
                            json.member("created_at", key.createdAt)
                        }
                    }
                })
        }
    } else if keys.isEmpty {
        invocation.output.say("There are no keys. `weir key add NAME --role ROLE` makes one.")
    } else {
        invocation.output.printTable(["key", "role"], keys.map { [plain($0.name), $0.role.rawValue] })
    }
    return .done
}

let keyRevokeCommand = Command(
    spec: CommandSpec(
        "revoke", "Take a key back; it opens nothing from now on",
        options: [CommonOption.config, CommonOption.state],
        arguments: [ArgumentSpec("NAME", "The key's name")])
) { invocation throws(ServiceFailure) in
    let name = try invocation.name
    try invocation.editing { editor throws(AccessFailure) in try editor.revokeKey(name) }
    invocation.output.say("The key \(plain(name)) opens nothing any more.")
    return .done
}

extension Invocation {
    fileprivate var name: String {
        get throws(ServiceFailure) {
            guard let name = self.parsed.arguments.first else { throw .usage("say the name") }
            return name
        }
    }

    fileprivate func editing<Value>(
        _ body: (AccessEditor) throws(AccessFailure) -> Value
    ) throws(ServiceFailure) -> Value {
        let path = accessDatabasePath(try self.serviceSource(needsSecrets: false).load().settings)
        do throws(AccessFailure) {
            return try body(AccessEditor(path: path))
        } catch {
            switch error {
            case .store: throw .system(error.description)
            case .lastUser: throw .refused(error.description)
            default: throw .usage(error.description)
            }
        }
    }

    /// As it will be; the caller checks it.
    fileprivate func newPassword() throws(ServiceFailure) -> String {
        let file = self.parsed.value("password-file")
        if file == nil, isatty(0) == 1 {
            let first = try PasswordPrompt.ask("New password: ")
            guard try PasswordPrompt.ask("Once more: ") == first else {
                throw .usage("these were two different passwords; nothing was changed")
            }
            return first
        }
        guard let line = PasswordPrompt.firstLine(of: file == "-" ? nil : file) else {
            throw .badInput("\(file.map(plain) ?? "standard input"): no password can be read there")
        }
        return line
    }
}
