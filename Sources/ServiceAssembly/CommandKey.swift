import AccessControl
import EventIO
import Glibc

/// With which a command comes into a Weir that asks everybody who they are: made for it when it is first needed, and taken
/// back at its end. Whoever may write the database of users and keys may do that by hand as well.
final class CommandKey: Sendable {
    private let editor: AccessEditor
    private let name = "command-\(getpid())"
    private let made = Lock<String?>(nil)

    init(databasePath: String) { self.editor = AccessEditor(path: databasePath) }

    /// Nil for who may not write the database, or where there is none.
    func secret() -> String? {
        if let secret = self.made.withLock({ $0 }) { return secret }
        guard access(self.editor.path, W_OK) == 0 else { return nil }
        // One that a killed command of that number left behind.
        try? self.editor.revokeKey(self.name)
        guard
            let secret = try? self.editor.addKey(
                self.name, role: .control, secondsSince1970: Int64(wallSeconds()))
        else { return nil }
        self.made.withLock { $0 = secret }
        return secret
    }

    func takeBack() {
        guard self.made.withLock({ $0 }) != nil else { return }
        try? self.editor.revokeKey(self.name)
        self.made.withLock { $0 = nil }
    }
}
