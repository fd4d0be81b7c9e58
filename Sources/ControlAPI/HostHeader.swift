import SwarmTypes

/// The name and port of a `Host` header, in lower case and without a final dot.
struct HostHeader: Hashable {
    /// An IPv6 address without its brackets.
    let name: String
    let port: UInt16?
    private let isBracketed: Bool

    /// Nil for what no client sends: empty, a user, a path, a port that is no number.
    init?(_ text: String) {
        guard text.utf8.count <= 300, !text.isEmpty else { return nil }
        let lower = text.lowercased()
        if lower.hasPrefix("[") {
            guard let end = lower.firstIndex(of: "]") else { return nil }
            let rest = lower[lower.index(after: end)...]
            let address = String(lower[lower.index(after: lower.startIndex)..<end])
            guard isIPv6(address), rest.isEmpty || rest.hasPrefix(":") else { return nil }
            self.init(name: address, portText: rest.isEmpty ? nil : rest.dropFirst(), isBracketed: true)
        } else {
            let parts = lower.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            var name = parts[0]
            if name.hasSuffix(".") { name.removeLast() }
            guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { return nil }
            self.init(name: String(name), portText: parts.count == 2 ? parts[1] : nil, isBracketed: false)
        }
    }

    /// A bare address of a configuration, IPv6 without brackets.
    init?(literal address: String) {
        self.init(address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]" : address)
    }

    private init?(name: String, portText: Substring?, isBracketed: Bool) {
        self.name = name
        self.isBracketed = isBracketed
        guard let portText else {
            self.port = nil
            return
        }
        guard portText.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let port = UInt16(portText)
        else { return nil }
        self.port = port
    }

    /// As it is sent.
    var text: String {
        let name = self.isBracketed ? "[\(self.name)]" : self.name
        return self.port.map { "\(name):\($0)" } ?? name
    }

    var isAddress: Bool { self.isBracketed || self.octets != nil }

    var isLoopback: Bool {
        self.name == "localhost" || (self.isBracketed && self.name == "::1") || self.octets?.first == 127
    }

    /// Of an IPv4 address in its usual form; browsers send no other.
    private var octets: [UInt8]? {
        let parts = self.name.split(separator: ".", omittingEmptySubsequences: false)
        let octets = parts.compactMap { $0.utf8.allSatisfy { $0 < 0x3A && $0 > 0x2F } ? UInt8($0) : nil }
        return parts.count == 4 && octets.count == 4 ? octets : nil
    }
}

private func isIPv6(_ text: String) -> Bool {
    text.utf8.contains(UInt8(ascii: ":"))
        && text.utf8.allSatisfy { hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
}

/// Letters of other alphabets come as Punycode.
private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
    default: false
    }
}
