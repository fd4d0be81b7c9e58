import HTTPServing
import SwarmTypes

/// A file of the dashboard, as it is sent.
public struct StaticFile: Sendable {
    /// The exact path; nothing is looked up below a folder.
    public var path: String
    public var type: String
    /// Strong: with quotes, and another one for other bytes.
    public var tag: String
    public var bytes: [UInt8]

    public init(path: String, type: String, tag: String, bytes: [UInt8]) {
        self.path = path
        self.type = type
        self.tag = tag
        self.bytes = bytes
    }

    /// What the page may do: nothing but load its own files and talk to its own origin.
    static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'self'",
        "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    func response(to request: HTTPRequest) -> HTTPResponse {
        let headers: [(name: String, value: String)] = [
            ("content-type", self.type), ("etag", self.tag), ("cache-control", "no-cache"),
            ("vary", "Accept"),
            ("content-security-policy", Self.contentSecurityPolicy), ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"), ("cross-origin-opener-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ]
        let known = request.headers.filter { $0.name == "if-none-match" }.contains { header in
            header.value == "*"
                || header.value.split(separator: ",").contains { $0.trimmingSpaces == self.tag }
        }
        return HTTPResponse(status: known ? 304 : 200, headers: headers, body: known ? [] : self.bytes)
    }
}

extension Substring {
    /// Without spaces around it, and without the mark of a weak comparison, which a GET may use.
    fileprivate var trimmingSpaces: Substring {
        var text = self.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text.hasPrefix("W/") ? text.dropFirst(2) : text
    }
}

extension HTTPRequest {
    /// Whether a browser asks for a page, as opposed to a program for data.
    var wantsPage: Bool {
        self.headers.contains { $0.name == "accept" && $0.value.lowercased().holds("text/html") }
    }
}
