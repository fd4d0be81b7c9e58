import Testing

@testable import ControlAPI

@Suite("Host header")
struct HostHeaderTests {
    private func allows(_ policy: AccessPolicy, _ host: String) -> Bool {
        HostHeader(host).map { policy.allows($0) } ?? false
    }

    @Test(
        "On loopback only loopback's names and addresses, at our port or without one",
        arguments: [
            ("localhost", true), ("localhost:8089", true), ("localhost.:8089", true), ("LocalHost", true),
            ("127.0.0.1", true), ("127.9.9.9:8089", true), ("[::1]:8089", true), ("[::1]", true),
            ("localhost:8090", false), ("127.0.0.1:80", false), ("192.168.1.5:8089", false),
            ("[fe80::1]:8089", false),
            ("127.0.0.1.evil.example", false), ("localhost.evil.example", false), ("evil-localhost", false),
            ("2130706433", false), ("0x7f.0.0.1", false), ("127.1", false), ("127.0.0.256", false),
            ("::1", false),
            ("seedbox", false),
        ])
    func loopback(host: String, expected: Bool) {
        #expect(allows(AccessPolicy(), host) == expected)
    }

    @Test(
        "Elsewhere also any address, and the configured names; never another name",
        arguments: [
            ("192.168.1.5:8089", true), ("[fe80::1]", true), ("10.0.0.1", true), ("localhost:8089", true),
            ("weir.example", true), ("WEIR.example.:8089", true), ("weir.example:443", false),
            ("proxy.example:8443", true), ("proxy.example", false), ("proxy.example:8089", false),
            ("evil.example", false), ("10.0.0.1:80", false), ("[fe80::1]:80", false),
        ])
    func remote(host: String, expected: Bool) {
        let policy = AccessPolicy(
            isBoundToLoopback: false, boundAddress: "0.0.0.0",
            allowedHosts: ["Weir.Example", "proxy.example:8443"])
        #expect(allows(policy, host) == expected)
    }

    @Test(
        "What no client sends is no host",
        arguments: [
            "", ":", ":8089", "a:b", "localhost:", "localhost:99999", "localhost:+8089", "localhost:8089:1",
            "a b", "a/b",
            "user@localhost", "[::1", "::1]", "[]", "[localhost]", "[::1]8089", "a\u{0}b", "bücher.example",
            ".", "a,b",
            String(repeating: "a", count: 301),
        ])
    func malformed(host: String) {
        #expect(HostHeader(host) == nil)
    }

    @Test("The bound address itself is always allowed", arguments: ["192.168.7.7", "fd00::7", "127.0.0.5"])
    func bound(address: String) {
        let host = address.contains(":") ? "[\(address)]:8089" : "\(address):8089"
        #expect(allows(AccessPolicy(boundAddress: address), host))
    }
}
