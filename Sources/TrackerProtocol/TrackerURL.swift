import ByteCoding
import SwarmTypes

/// An announce URL as a torrent or a user gives it, checked and taken apart.
///
/// Keeps its path and query as they are, because a private tracker's passkey is in there.
public struct TrackerURL: Hashable, Sendable {
    public enum Scheme: String, Hashable, Sendable { case http, https, udp }

    /// Why a text is no URL of a tracker that we can ask.
    public enum Problem: Error, Hashable, Sendable {
        case tooLong(maximum: Int)
        /// Only `http`, `https` and `udp` are spoken; the scheme in lower case, empty when there is none.
        case unsupportedScheme(String)
        case badHost
        /// Not a number from 1 to 65535, or missing where the scheme has no port of its own (`udp`).
        case badPort
        /// A blank, a control character or a backslash.
        case badCharacter(offset: Int)
    }

    public static let maximumBytes = 2048

    /// Without a fragment, bytes above ASCII percent-encoded; may hold a passkey, so never for a log: see `masked`.
    public let text: String
    public let scheme: Scheme
    public let port: UInt16
    // Places in `text`, in bytes, as small as they can be: there are as many as there are torrents.
    private let hostStart: UInt16
    private let hostEnd: UInt16
    private let pathStart: UInt16
    private let queryStart: UInt16

    public init(_ text: some StringProtocol) throws(Problem) {
        let bytes = try Self.cleaned(text)
        guard bytes.count <= Self.maximumBytes else { throw .tooLong(maximum: Self.maximumBytes) }
        let schemeEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? 0
        let schemeText = String(decoding: bytes[..<schemeEnd], as: UTF8.self).lowercased()
        guard let scheme = Scheme(rawValue: schemeText),
            bytes[schemeEnd...].starts(with: Array("://".utf8))
        else { throw .unsupportedScheme(String(schemeText.prefix(32))) }

        let authorityStart = schemeEnd + 3
        let pathStart =
            bytes[authorityStart...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            ?? bytes.endIndex
        let queryStart = bytes[pathStart...].firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        let host = try Self.host(in: bytes, authorityStart..<pathStart)
        guard let port = Self.port(bytes[host.upperBound..<pathStart], scheme: scheme) else { throw .badPort }

        self.scheme = scheme
        self.port = port
        self.text = String(decoding: bytes, as: UTF8.self)
        self.hostStart = UInt16(truncatingIfNeeded: host.lowerBound)
        self.hostEnd = UInt16(truncatingIfNeeded: host.upperBound)
        self.pathStart = UInt16(truncatingIfNeeded: pathStart)
        self.queryStart = UInt16(truncatingIfNeeded: queryStart)
    }

    /// In lower case; an IPv6 address without its brackets.
    public var host: String {
        var range = Int(self.hostStart)..<Int(self.hostEnd)
        if self.isBracketed { range = range.lowerBound + 1..<range.upperBound - 1 }
        return self.part(range).lowercased()
    }

    /// With the leading slash, without the query; empty when there is none.
    public var path: String { self.part(Int(self.pathStart)..<Int(self.queryStart)) }

    /// With the leading question mark; empty when there is none.
    public var query: String { self.part(Int(self.queryStart)..<self.text.utf8.count) }

    /// Scheme, user and authority.
    var beforePath: String { self.part(0..<Int(self.pathStart)) }

    private var authority: String {
        "\(self.scheme.rawValue)://\(self.isBracketed ? "[\(self.host)]" : self.host):\(self.port)"
    }

    /// For people and logs: what may hold a secret (user, path but its last word if that is the usual one, query)
    /// is hidden.
    public var masked: String {
        let words = self.path.split(separator: "/")
        let usual = ["announce", "announce.php"]
        var text = self.authority
        if words.count > (words.last.map { usual.contains(String($0)) } == true ? 1 : 0) { text += "/***" }
        if let last = words.last, usual.contains(String(last)) { text += "/\(last)" }
        return self.query.isEmpty ? text : text + "?***"
    }

    /// What of it may be a passkey or a password; some trackers repeat it in what they say.
    var secrets: [String] {
        let user = self.beforePath.split(separator: "/").last?.split(separator: "@").dropLast() ?? []
        let parts = (self.path + self.query).split { "/?&=".contains($0) }
        // Shorter ones are words, such as a script's name.
        return (user + parts.filter { $0.utf8.count >= 8 && $0 != "announce" && $0 != "announce.php" }).map(
            String.init)
    }

    private var isBracketed: Bool {
        let utf8 = self.text.utf8
        return utf8[utf8.index(utf8.startIndex, offsetBy: Int(self.hostStart))] == UInt8(ascii: "[")
    }

    private func part(_ range: Range<Int>) -> String {
        String(decoding: Array(self.text.utf8)[range], as: UTF8.self)
    }
}

extension TrackerURL {
    /// Drops blanks around it and the fragment, encodes what is not ASCII.
    private static func cleaned(_ text: some StringProtocol) throws(Problem) -> [UInt8] {
        // Far more than any that passes, so that cleaning a hostile one costs nothing.
        guard text.utf8.count <= 2 * Self.maximumBytes else { throw .tooLong(maximum: Self.maximumBytes) }
        var all = Array(text.utf8)[...]
        while let last = all.last, last <= 0x20 { all.removeLast() }
        while let first = all.first, first <= 0x20 { all.removeFirst() }
        var bytes: [UInt8] = []
        for (offset, byte) in all.enumerated() {
            switch byte {
            case UInt8(ascii: "#"): return bytes
            // Readers of URLs differ on a backslash, and so on which host it leaves.
            case 0...0x20, 0x7F, UInt8(ascii: "\\"): throw .badCharacter(offset: offset)
            case 0x80...: bytes.append(percentEncoding: CollectionOfOne(byte))
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// The host's place in `authority`, after a user name and password if there are any.
    private static func host(in bytes: [UInt8], _ authority: Range<Int>) throws(Problem) -> Range<Int> {
        let user = bytes[authority].lastIndex(of: UInt8(ascii: "@"))
        let start = user.map { $0 + 1 } ?? authority.lowerBound
        let rest = bytes[start..<authority.upperBound]
        guard rest.first == UInt8(ascii: "[") else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            guard end > start, end - start <= 253, rest[..<end].allSatisfy(Self.isHostByte) else {
                throw .badHost
            }
            return start..<end
        }
        guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { throw .badHost }
        let isAddress = rest[(start + 1)..<end].allSatisfy {
            hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        }
        guard isAddress, end > start + 1 else { throw .badHost }
        return start..<end + 1
    }

    private static func port(_ rest: ArraySlice<UInt8>, scheme: Scheme) -> UInt16? {
        // An empty port is the scheme's own (RFC 3986, 3.2.3).
        guard let first = rest.first, !rest.elementsEqual([UInt8(ascii: ":")]) else {
            switch scheme {
            case .http: return 80
            case .https: return 443
            case .udp: return nil
            }
        }
        guard first == UInt8(ascii: ":"), rest.count <= 6 else { return nil }
        var port = 0
        for digit in rest.dropFirst() {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            port = port * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return port > 0 ? UInt16(exactly: port) : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
