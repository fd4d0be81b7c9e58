/// The target of a request line, decoded (RFC 9112, section 3.2).
struct RequestTarget {
    static let maximumParameters = 256

    var path: String
    var query: [(name: String, value: String)]

    /// Takes "/path?query" and "http://host/path?query".
    ///
    /// Nil for what has no single safe meaning: an escape that is not one, a path that decodes to something
    /// else than UTF-8, with a control character, a backslash or a segment "." or "..", and more than 256
    /// parameters.
    init?(_ raw: Span<UInt8>) {
        guard let start = Self.startOfPath(in: raw) else { return nil }
        var end = start
        while end < raw.count, raw[end] != UInt8(ascii: "?") { end += 1 }

        guard let path = percentDecoded(raw.extracting(start..<end), plusIsSpace: false), Self.isSafe(path)
        else {
            return nil
        }
        self.path = path
        self.query = []
        guard end < raw.count else { return }
        let text = raw.extracting((end + 1)..<raw.count)
        // The target as a whole is bounded by the memory of its connection.
        do throws(FormFailure) {
            self.query = try formFields(
                text, maximumFields: Self.maximumParameters, maximumFieldBytes: raw.count)
        } catch {
            return nil
        }
    }

    private static func startOfPath(in raw: Span<UInt8>) -> Int? {
        guard !raw.isEmpty else { return nil }
        if raw[0] == UInt8(ascii: "/") { return 0 }
        let scheme = Array("http://".utf8)
        guard raw.count > scheme.count,
            scheme.indices.allSatisfy({ raw[$0] == scheme[$0] || $0 < 4 && raw[$0] | 0x20 == scheme[$0] })
        else { return nil }
        return (scheme.count..<raw.count).first { raw[$0] == UInt8(ascii: "/") }
    }

    private static func isSafe(_ path: String) -> Bool {
        var dots = 0
        var isOnlyDots = true
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "/"):
                if isOnlyDots, dots == 1 || dots == 2 { return false }
                dots = 0
                isOnlyDots = true
            case UInt8(ascii: "."):
                dots += 1
            case 0..<0x20, 0x7F, UInt8(ascii: "\\"):
                return false
            default:
                isOnlyDots = false
            }
        }
        return !(isOnlyDots && (dots == 1 || dots == 2))
    }
}
