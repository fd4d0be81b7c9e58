/// Where a request's body ends, read strictly: what two programs on the way may understand differently is
/// refused (RFC 9112, section 6.3, and 11.2 on request smuggling).
enum RequestFraming: Equatable {
    case none
    case length(Int)
    case chunked
    case ambiguous

    init(headers: [(name: String, value: String)]) {
        var lengths: [String] = []
        var codings: [String] = []
        for header in headers {
            if header.name == "content-length" { lengths.append(header.value) }
            if header.name == "transfer-encoding" { codings.append(header.value) }
        }
        switch (lengths.count, codings.count) {
        case (0, 0):
            self = .none
        case (1, 0):
            guard lengths[0].utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                let length = Int(lengths[0])
            else {
                self = .ambiguous
                return
            }
            self = .length(length)
        case (0, 1):
            self = codings[0].lowercased() == "chunked" ? .chunked : .ambiguous
        default:
            self = .ambiguous
        }
    }

    var hasBody: Bool { self != .none && self != .length(0) }

    /// Whether the body may have more bytes than that.
    func mayExceed(_ count: Int) -> Bool {
        switch self {
        case .none: false
        case .length(let length): length > count
        case .chunked, .ambiguous: true
        }
    }
}
