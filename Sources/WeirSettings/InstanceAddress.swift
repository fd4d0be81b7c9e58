import ConfigFile

/// Where a client's Web API is: `http://10.0.0.2:8080/qbittorrent`.
public struct InstanceAddress: Hashable, Sendable {
    public var usesTLS: Bool
    /// Without brackets.
    public var host: String
    public var port: Int
    /// Empty, or from a `/` on and without one at the end.
    public var basePath: String

    public init(usesTLS: Bool = false, host: String, port: Int, basePath: String = "") {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    public var url: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "\(self.usesTLS ? "https" : "http")://\(host):\(self.port)\(self.basePath)"
    }
}

extension InstanceAddress {
    static let kind = ScalarKind<InstanceAddress>(
        allowed: "an address such as http://10.0.0.2:8080 or https://example.org/qbittorrent",
        read: { text in
            do throws(Fault) {
                return .value(try InstanceAddress(url: text))
            } catch {
                switch error {
                case .credentials:
                    return .refusedSecret(hint: "write user name and password under their own keys")
                case .wrong(let hint): return .refused(hint: hint)
                }
            }
        },
        write: { quotedYAML($0.url) })

    enum Fault: Error {
        /// The text holds a password, perhaps.
        case credentials
        case wrong(hint: String)
    }

    init(url text: String) throws(Fault) {
        var rest = text[...]
        let lowered = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: lowered.hasPrefix) else {
            throw .wrong(hint: "begin with http:// or https://")
        }
        rest.removeFirst(scheme.count)
        guard !rest.unicodeScalars.contains("@") else { throw .credentials }
        guard !rest.contains("?"), !rest.contains("#") else {
            throw .wrong(hint: "leave out what follows ? or #")
        }
        guard rest.unicodeScalars.allSatisfy({ ("!"..."~").contains($0) }) else {
            throw .wrong(hint: "an address has no spaces and no letters beyond ASCII")
        }
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }

        let (host, port) = try Self.split(authority)
        guard isHost(host) else { throw .wrong(hint: "write a host name or an address") }
        self.init(
            usesTLS: scheme == "https://", host: host, port: port ?? (scheme == "https://" ? 443 : 80),
            basePath: path)
    }

    /// `host`, `host:port`, `[::1]` or `[::1]:port`.
    private static func split(_ authority: Substring) throws(Fault) -> (host: String, port: Int?) {
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .wrong(hint: "close the bracket") }
            host = authority[..<end].dropFirst()
            guard host.contains(":") else { throw .wrong(hint: "brackets are for IPv6 addresses") }
            let rest = authority[end...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw .wrong(hint: "a port follows after a colon")
            }
            if !rest.isEmpty { portText = rest.dropFirst() }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            portText = authority[colon...].dropFirst()
            guard portText?.contains(":") == false else {
                throw .wrong(hint: "put an IPv6 address in brackets")
            }
        }
        guard let portText else { return (String(host), nil) }
        guard portText.allSatisfy(\.isWholeNumber), let port = Int(portText), (1...65535).contains(port)
        else {
            throw .wrong(hint: "a port is a number from 1 to 65535")
        }
        return (String(host), port)
    }
}
