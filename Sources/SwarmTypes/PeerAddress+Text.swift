extension PeerAddress {
    /// Reads `192.0.2.1:6881` or `[2001:db8::1]:6881`; nil for a host name or anything else.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        guard let port = Self.number(bytes[(colon + 1)...], limit: 65535) else { return nil }
        var host = bytes[..<colon]
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard isBracketed == host.contains(UInt8(ascii: ":")) else { return nil }
        self.init(hostBytes: host, port: UInt16(truncatingIfNeeded: port))
    }

    /// Reads an address without brackets, as `192.0.2.1` or `2001:db8::1`.
    public init?(host: some StringProtocol, port: UInt16) {
        self.init(hostBytes: Array(host.utf8)[...], port: port)
    }

    private init?(hostBytes bytes: ArraySlice<UInt8>, port: UInt16) {
        if !bytes.contains(UInt8(ascii: ":")) {
            guard let ipv4 = Self.ipv4(bytes) else { return nil }
            self.init(ipv4: ipv4, port: port)
            return
        }
        guard let groups = Self.groups(bytes) else { return nil }
        let words = groups.map { UInt64($0) }
        self.init(
            high: words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3],
            low: words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7], port: port)
    }

    private static func number(_ digits: ArraySlice<UInt8>, limit: Int) -> Int? {
        guard !digits.isEmpty, digits.count <= 5, digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value <= limit ? value : nil
    }

    private static func ipv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let number = Self.number(part, limit: 255) else { return nil }
            value = value << 8 | UInt32(number)
        }
        return value
    }

    /// The eight groups of an IPv6 address (RFC 4291, 2.2), also with an IPv4 address at its end.
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        var before: [UInt16] = []
        var after: [UInt16]?
        var parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)[...]
        guard parts.count <= 9 else { return nil }
        if parts.first?.isEmpty == true {
            guard parts.dropFirst().first?.isEmpty == true else { return nil }
            parts = parts.dropFirst()
        }
        if parts.last?.isEmpty == true {
            guard parts.dropLast().last?.isEmpty == true else { return nil }
            parts = parts.dropLast()
        }
        for (index, part) in parts.enumerated() {
            var found: [UInt16] = []
            if part.isEmpty {
                guard after == nil else { return nil }
                after = []
                continue
            } else if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let ipv4 = Self.ipv4(part) else { return nil }
                found = [UInt16(ipv4 >> 16), UInt16(truncatingIfNeeded: ipv4)]
            } else {
                guard part.count <= 4 else { return nil }
                var value: UInt16 = 0
                for digit in part {
                    guard let nibble = hexValue(digit) else { return nil }
                    value = value << 4 | UInt16(nibble)
                }
                found = [value]
            }
            if after == nil { before += found } else { after?.append(contentsOf: found) }
        }
        guard let after else { return before.count == 8 ? before : nil }
        guard before.count + after.count < 8 else { return nil }
        return before + [UInt16](repeating: 0, count: 8 - before.count - after.count) + after
    }
}
