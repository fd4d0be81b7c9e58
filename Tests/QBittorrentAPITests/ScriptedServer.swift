import Foundation
import HTTPFetching

/// What a request is answered with.
enum Answer: Sendable {
    case response(FetchResponse)
    case failure(FetchFailure)
    /// So much of the body comes, then the connection ends.
    case cutAfter(Int, FetchResponse)

    static func status(_ status: Int, _ text: String = "", headers: [(name: String, value: String)] = [])
        -> Answer
    {
        .response(FetchResponse(status: status, headers: headers, body: Array(text.utf8)))
    }
}

/// A `Fetching` whose answers are made by a closure; bodies reach the sink in small pieces.
final class ScriptedServer: Fetching, @unchecked Sendable {
    // `@unchecked Sendable`: everything that changes is read and written under `lock`.
    private let lock = NSLock()
    private var log: [FetchRequest] = []
    private var answers: @Sendable (FetchRequest) -> Answer
    private let pieceBytes: Int

    init(pieceBytes: Int = 700, _ answers: @escaping @Sendable (FetchRequest) -> Answer) {
        self.pieceBytes = pieceBytes
        self.answers = answers
    }

    var requests: [FetchRequest] { self.lock.withLock { self.log } }

    /// Paths under `/api/v2/`, without queries.
    var paths: [String] { self.requests.map(\.action) }

    func count(_ action: String) -> Int { self.paths.count { $0 == action } }

    func forget() { self.lock.withLock { self.log = [] } }

    func answer(_ answers: @escaping @Sendable (FetchRequest) -> Answer) {
        self.lock.withLock { self.answers = answers }
    }

    func fetch(_ request: FetchRequest, into sink: (any BodySink)?) async throws(FetchFailure)
        -> FetchResponse
    {
        // Lets other tasks in, as a real exchange does.
        await Task.yield()
        let answers = self.lock.withLock {
            self.log.append(request)
            return self.answers
        }
        switch answers(request) {
        case .failure(let failure): throw failure
        case .cutAfter(let count, let response):
            if response.status == 200, let sink {
                try self.deliver(Array(response.body.prefix(count)), to: sink)
            }
            throw .truncated
        case .response(var response):
            guard response.status == 200, let sink else { return response }
            try self.deliver(response.body, to: sink)
            response.body = []
            return response
        }
    }

    private func deliver(_ body: [UInt8], to sink: any BodySink) throws(FetchFailure) {
        var start = 0
        while start < body.count {
            let end = min(start + self.pieceBytes, body.count)
            guard sink.receive(body.span.extracting(start..<end)) else { throw .refusedBySink }
            start = end
        }
    }
}

extension FetchRequest {
    var action: String {
        let path = self.url.split(separator: "?", maxSplits: 1)[0]
        return path.components(separatedBy: "/api/v2/").last ?? ""
    }

    func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }

    /// Query and form parameters; a form's hide the query's, as with qBittorrent.
    var parameters: [String: String] {
        let text =
            self.method == .post
            ? String(decoding: self.body, as: UTF8.self)
            : self.url.split(separator: "?", maxSplits: 1).dropFirst().joined()
        var parameters: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            parameters[String(parts[0])] = String(parts.dropFirst().joined()).removingPercentEncoding ?? ""
        }
        return parameters
    }
}
