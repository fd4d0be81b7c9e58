import HTTPServing
import JSONValues

enum RouteMethod: String, Sendable { case get = "GET", post = "POST" }

/// One row of the table that everything else follows: the router, the checks, `GET /`, the OpenAPI document
/// and the tests.
struct Route: Sendable {
    struct Parameter: Sendable {
        var name: String
        var summary: String
        var schema: Schema
        var isRequired = false
    }

    enum Body: Sendable {
        /// An empty body, or a JSON object that is not looked at.
        case none
        /// A JSON object; `remedy` is what to send instead of an empty body, which is refused.
        case json(Schema, remedy: String)
        /// The webhook's own: form or JSON.
        case hook
        /// A .torrent file's bytes.
        case torrent
    }

    enum Answer: Sendable {
        case json(Schema, status: Int = 200)
        case text(type: String)
        /// Server-sent events, without an end.
        case events
    }

    enum Run: Sendable {
        /// On the event loop.
        case now(@Sendable (RouteCall) throws(APIError) -> HTTPResponse)
        case later(@Sendable (RouteCall) async throws(APIError) -> HTTPResponse)
        /// On the event loop, and the answer grows.
        case stream(@Sendable (RouteCall) throws(APIError) -> HTTPAnswer)
    }

    var method: RouteMethod
    var path: String
    var summary: String
    var right: RouteRight
    var parameters: [Parameter] = []
    var body: Body = .none
    var maximumBodyBytes = 16 * 1024
    var answer: Answer
    /// Statuses that this route can answer beside those that any route can.
    var failures: [Int] = []
    var run: Run

    /// The name under which `GET /` lists it: "/stats/trackers" is "stats_trackers".
    var listedName: String {
        String(self.path.dropFirst().map { $0 == "/" || $0 == "-" || $0 == "." ? "_" : $0 })
    }
}

/// What a route's code gets: the request, its body already read, and the service.
struct RouteCall: Sendable {
    var request: HTTPRequest
    /// `.null` for an empty body.
    var body: JSONValue
    var control: any GovernorControl
    var live: LiveFeed
    var policy: AccessPolicy
    var version: String
    /// Seconds since 1970.
    var now: @Sendable () -> Double

    /// The one value of a query parameter; nil when it was not sent.
    func parameter(_ name: String) throws(APIError) -> String? {
        let values = self.request.query.filter { $0.name == name }
        guard values.count <= 1 else {
            throw APIError(400, "repeated_parameter", "The query may name \"\(name)\" only once.")
        }
        return values.first?.value
    }

    /// A member of the body; nil where there is none.
    func member(_ name: String) -> JSONValue? { self.body[name] }
}

/// Runs what the service may refuse, and turns its refusal into an answer.
func asking<Result>(_ body: () async throws(ControlFailure) -> Result) async throws(APIError) -> Result {
    do { return try await body() } catch { throw APIError(error) }
}
