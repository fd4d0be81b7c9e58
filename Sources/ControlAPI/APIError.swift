import HTTPServing
import JSONValues

/// An answer that says why not: a stable code for programs, and what to do for people.
struct APIError: Error {
    var status: Int
    var code: String
    var message: String
    var detail: [String: String]
    var headers: [(name: String, value: String)]

    init(
        _ status: Int, _ code: String, _ message: String, detail: [String: String] = [:],
        headers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = headers
    }

    init(_ failure: ControlFailure) {
        let status =
            switch failure.kind {
            case .notReady: 503
            case .invalid: 400
            case .notFound: 404
            case .conflict: 409
            case .unreachable: 502
            case .failed: 500
            }
        self.init(status, failure.code, failure.message, detail: failure.detail)
    }

    /// The string under "detail" is what Qguardarr's clients read; its webhook's clients read "status" and
    /// "message" instead.
    func response(forHook isHook: Bool = false) -> HTTPResponse {
        var json = JSONWriter()
        json.object { json in
            json.member(
                "error",
                object: { json in
                    json.member("code", self.code)
                    json.member("message", self.message)
                    json.member(
                        "detail",
                        object: { json in
                            for (name, value) in self.detail.sorted(by: { $0.key < $1.key }) {
                                json.member(name, value)
                            }
                        })
                })
            json.member("detail", self.message)
            if isHook {
                json.member("status", "error")
                json.member("message", self.message)
            }
        }
        return HTTPResponse(json: json, status: self.status, adding: self.headers)
    }
}

extension HTTPResponse {
    /// On every answer. There are no CORS headers: a page of another origin has no business here.
    private static let securityHeaders: [(name: String, value: String)] = [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
    ]
    private static let jsonHeaders = securityHeaders + [("content-type", "application/json")]

    init(json: JSONWriter, status: Int = 200, adding headers: [(name: String, value: String)] = []) {
        self.init(
            status: status, headers: headers.isEmpty ? Self.jsonHeaders : Self.jsonHeaders + headers,
            body: json.bytes)
    }

    /// A document that is encoded already.
    init(json bytes: [UInt8]) { self.init(status: 200, headers: Self.jsonHeaders, body: bytes) }

    /// The head of server-sent events; a proxy is not to collect them.
    static func eventStream() -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: self.securityHeaders + [
                ("content-type", "text/event-stream"), ("x-accel-buffering", "no"),
            ],
            body: Array("retry: 2000\n\n".utf8))
    }

    init(text: [UInt8], type: String) {
        self.init(status: 200, headers: Self.securityHeaders + [("content-type", type)], body: text)
    }
}

/// An answer that is one object.
func jsonObject(
    status: Int = 200, reservingBytes count: Int = 512, _ members: (inout JSONWriter) -> Void
) -> HTTPResponse {
    var json = JSONWriter(reservingBytes: count)
    json.object(members)
    return HTTPResponse(json: json, status: status)
}
