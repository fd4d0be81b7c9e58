import HTTPFetching

/// A server that gives prepared answers whatever it is asked, a line for each: first a letter for the status or
/// failure, then the body. In a line that begins with "c" a cookie stands before the first blank. Without an
/// answer left, the connection is refused.
///
/// `@unchecked Sendable`: made and used by one call of a target, on its thread.
final class AnswerScript: Fetching, @unchecked Sendable {
    private var lines: InputReader
    private let pieceBytes: Int

    init(_ lines: InputReader, pieceBytes: Int) {
        self.lines = lines
        self.pieceBytes = max(1, pieceBytes)
    }

    var isAtEnd: Bool { self.lines.rest.isEmpty }

    func fetch(
        _ request: FetchRequest, into sink: (any BodySink)?
    ) async throws(FetchFailure) -> FetchResponse {
        guard let line = self.lines.line() else { throw .connectionRefused }
        var body = line.dropFirst()
        switch line.first {
        case UInt8(ascii: "a"): return FetchResponse(status: 204)
        case UInt8(ascii: "r"): return FetchResponse(status: 302, body: Array(body))
        case UInt8(ascii: "u"): return FetchResponse(status: 401, body: Array(body))
        case UInt8(ascii: "f"): return FetchResponse(status: 403, body: Array(body))
        case UInt8(ascii: "n"): return FetchResponse(status: 404, body: Array(body))
        case UInt8(ascii: "s"): return FetchResponse(status: 500, body: Array(body))
        case UInt8(ascii: "t"): throw .timedOut(afterSeconds: 30)
        case UInt8(ascii: "o"): throw .other(code: 52, message: "nothing came")
        case UInt8(ascii: "x"):
            if let sink { try self.deliver(body, to: sink) }
            throw .truncated
        case UInt8(ascii: "c"):
            let cookie = body.prefix { $0 != UInt8(ascii: " ") }
            body = body.dropFirst(cookie.count + 1)
            let header = ("set-cookie", String(decoding: cookie, as: UTF8.self))
            return try self.answer(body, headers: [header], to: sink)
        default: return try self.answer(body, headers: [], to: sink)
        }
    }

    private func answer(
        _ body: ArraySlice<UInt8>, headers: [(name: String, value: String)], to sink: (any BodySink)?
    ) throws(FetchFailure) -> FetchResponse {
        guard let sink else { return FetchResponse(status: 200, headers: headers, body: Array(body)) }
        try self.deliver(body, to: sink)
        return FetchResponse(status: 200, headers: headers)
    }

    private func deliver(_ body: ArraySlice<UInt8>, to sink: any BodySink) throws(FetchFailure) {
        var rest = body
        while !rest.isEmpty {
            let piece = Array(rest.prefix(self.pieceBytes))
            rest = rest.dropFirst(self.pieceBytes)
            guard sink.receive(piece.span) else { throw .refusedBySink }
        }
    }
}
