import Glibc

/// The environment variables a configuration may use, and how the files they name are read.
public struct ConfigEnvironment: Sendable {
    public var variables: [String: String]
    /// Reads the file that a `NAME_FILE` variable names.
    public var readSecret: @Sendable (String) throws(FileReadFailure) -> [UInt8]
    /// Whether a secret whose variable or file is not there is a mistake; else the configuration is read without it.
    public var needsSecrets: Bool

    /// A secret is a line; 64 KiB is far above any.
    public static let maximumSecretBytes = 64 * 1024

    public init(
        variables: [String: String] = [:], needsSecrets: Bool = true,
        readSecret: @escaping @Sendable (String) throws(FileReadFailure) -> [UInt8] = {
            path throws(FileReadFailure) in
            try readFile(path, limit: ConfigEnvironment.maximumSecretBytes)
        }
    ) {
        self.variables = variables
        self.needsSecrets = needsSecrets
        self.readSecret = readSecret
    }

    enum FileContent {
        case absent
        /// `source` is what named the file, for people.
        case text(String, source: String)
        /// A sentence about the file, without its content.
        case unreadable(String)
    }

    /// What the file says that the variable `name` + `_FILE` names, else what the service manager hands over as the
    /// credential `name` or `weir_` + `name` (systemd.exec(5), LoadCredential=); without its last line break.
    func contentOfFile(namedBy name: String) -> FileContent {
        if let path = self.variables[name + "_FILE"], !path.isEmpty {
            return self.content(of: path, source: name + "_FILE")
        }
        guard let folder = self.variables["CREDENTIALS_DIRECTORY"], !folder.isEmpty else { return .absent }
        for credential in [name, "weir_" + name] {
            do { _ = try self.readSecret("\(folder)/\(credential)") } catch .unreadable(errno: ENOENT) {
                continue
            } catch {}
            return self.content(of: "\(folder)/\(credential)", source: "credential \(credential)")
        }
        return .absent
    }

    private func content(of path: String, source: String) -> FileContent {
        do {
            var bytes = try self.readSecret(path)
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .unreadable("the file \(path) is not UTF-8 text")
            }
            return .text(text, source: source)
        } catch {
            return .unreadable("the file \(path) cannot be read: \(error)")
        }
    }
}
