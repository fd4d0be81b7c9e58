/// The server's own answers, in the shape of every error of the control interface.
extension HTTPResponse {
    static func refusal(_ status: Int, code: String, message: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/json")],
            // Both texts are constants of ours without anything to escape.
            body: Array("{\"error\":{\"code\":\"\(code)\",\"message\":\"\(message)\"}}\n".utf8))
    }

    static func badTarget() -> HTTPResponse {
        .refusal(400, code: "bad_target", message: "the path or query cannot be decoded safely")
    }

    static func ambiguousBody() -> HTTPResponse {
        .refusal(400, code: "ambiguous_body", message: "give one Content-Length, or chunked, not both")
    }

    static func bodyTooLong(maximum: Int) -> HTTPResponse {
        .refusal(413, code: "body_too_long", message: "at most \(maximum) bytes are taken here")
    }

    static func tooManyHeaders(maximum: Int) -> HTTPResponse {
        .refusal(431, code: "too_many_headers", message: "at most \(maximum) headers are taken")
    }

    static func stopping() -> HTTPResponse {
        .refusal(503, code: "stopping", message: "the service stops; the request may or may not take effect")
    }

    static func tooManyStreams(maximum: Int) -> HTTPResponse {
        var response = HTTPResponse.refusal(
            503, code: "too_many_streams", message: "at most \(maximum) clients listen at the same time")
        response.headers.append(("Retry-After", "10"))
        return response
    }

    static func unsendable() -> HTTPResponse {
        .refusal(500, code: "unsendable", message: "the handler made a status or header that cannot be sent")
    }

    /// Says that the connection ends with this response.
    func closing() -> HTTPResponse {
        var copy = self
        copy.headers.append(("Connection", "close"))
        return copy
    }
}
