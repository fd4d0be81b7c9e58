import ConfigFile
public import SwarmTypes

/// The section `server`: what stands in front of Weir.
public struct ServerSettings: Hashable, Sendable {
    /// Empty, or such as "/weir": with a slash in front and none at the end.
    public var basePath = ""
    /// Addresses and networks, as written.
    public var trustedProxies: [String] = []

    public init() {}

    public var trustedNetworks: [AddressNetwork] { self.trustedProxies.compactMap { AddressNetwork($0) } }

    static let keys: [ConfigKey<ServerSettings>] = [
        .value(
            "base_path", \.basePath, basePath,
            help: "The path below which a reverse proxy shows Weir, such as /weir."),
        .list(
            "trusted_proxies", \.trustedProxies, network,
            help: """
                Addresses and networks of reverse proxies, such as 127.0.0.1 or 172.16.0.0/12. From them alone
                X-Forwarded-For, -Proto and -Host are believed. Names that browsers use go to allowed_hosts.
                """),
    ]

    /// `weir`, `/weir` and `/weir/` are the same.
    private static let basePath = ScalarKind<String>(
        allowed: "a path such as /weir, of letters, digits, - . _ ~ and /",
        read: { text in
            let parts = text.split(separator: "/")
            let isPlain = parts.allSatisfy { part in
                part != "." && part != ".." && part.utf8.allSatisfy(isPathByte)
            }
            guard isPlain, text.utf8.count <= 200 else { return .refused(hint: nil) }
            return .value(parts.map { "/" + $0 }.joined())
        },
        write: quotedYAML)

    private static let network = ScalarKind<String>.text("an address, or a network such as 10.0.0.0/8") {
        AddressNetwork($0) == nil ? "names are not looked up: write an address" : nil
    }
}

private func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}
