public import HTTPServing
import JSONValues

/// Answers the control API's requests: finds the route, checks who asks, reads the body, runs the route.
public final class ControlHandler: HTTPHandling {
    private let control: any GovernorControl
    private let policy: AccessPolicy
    private let version: String
    private let now: @Sendable () -> Double
    private let routesByPath: [String: [Route]]

    /// - Parameter now: Seconds since 1970.
    public init(
        control: any GovernorControl, policy: AccessPolicy, version: String,
        now: @escaping @Sendable () -> Double
    ) {
        self.control = control
        self.policy = policy
        self.version = version
        self.now = now
        self.routesByPath = Dictionary(grouping: routeTable, by: \.path)
    }

    public func maximumBodyBytes(method: String, path: String) -> Int {
        // Unknown routes get a small body's worth of patience, so that they are answered with 404 or 405.
        self.routesByPath[path]?.first { $0.method.rawValue == method }?.maximumBodyBytes ?? 16 * 1024
    }

    public func answer(_ request: HTTPRequest) -> HTTPAnswer {
        let route: Route
        do { route = try self.route(request) } catch { return .now(error.response()) }
        let isHook = route.right == .hook
        do {
            let call = try self.call(request, route)
            switch route.run {
            case .now(let run):
                return .now(try run(call))
            case .later(let run):
                return .later {
                    do throws(APIError) { return try await run(call) } catch { return error.response() }
                }
            }
        } catch {
            return .now(error.response(forHook: isHook))
        }
    }

    private func route(_ request: HTTPRequest) throws(APIError) -> Route {
        guard let routes = self.routesByPath[request.path] else {
            throw APIError(404, "not_found", "There is no such path. GET / lists all of them.")
        }
        // The server leaves the body of an answer to HEAD out.
        let method = request.method == "HEAD" ? "GET" : request.method
        if let route = routes.first(where: { $0.method.rawValue == method }) { return route }
        let allowed = routes.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] }
        let list = allowed.joined(separator: ", ")
        throw APIError(
            405, "method_not_allowed", "This path takes \(list) only.", headers: [("allow", list)])
    }

    private func call(_ request: HTTPRequest, _ route: Route) throws(APIError) -> RouteCall {
        if let refusal = self.policy.refusal(of: request, right: route.right) { throw refusal }
        guard request.body.count <= route.maximumBodyBytes else {
            throw APIError(
                413, "body_too_long", "The body may have at most \(route.maximumBodyBytes) bytes.")
        }
        var call = RouteCall(
            request: request, body: .null, control: self.control, version: self.version, now: self.now)
        guard route.method == .post else { return call }
        switch route.body {
        case .hook: break
        case .none: if !request.body.isEmpty { call.body = try jsonBody(request) }
        case .json(_, let remedy):
            guard !request.body.isEmpty else {
                throw APIError(400, "body_missing", "The request needs a body. \(remedy)")
            }
            call.body = try jsonBody(request)
        }
        return call
    }
}

/// A JSON object of the right content type: a web page can send other types without asking first.
private func jsonBody(_ request: HTTPRequest) throws(APIError) -> JSONValue {
    guard let type = request.header("content-type"), MediaType(type).isJSON else {
        throw APIError(
            415, "json_needed",
            """
            The body must be JSON and say so: send the header "Content-Type: application/json" (with curl: -H \
            'Content-Type: application/json').
            """)
    }
    let value: JSONValue
    do { value = try JSONReader.read(request.body) } catch { throw APIError(400, "bad_json", "\(error).") }
    guard case .object = value else { throw APIError(400, "bad_json", "The body must be a JSON object.") }
    return value
}
