public import HTTPServing
import JSONValues

/// Answers the control API's requests: finds the route, checks who asks, reads the body, runs the route.
public final class ControlHandler: HTTPHandling {
    private let control: any GovernorControl
    private let policy: AccessPolicy
    private let version: String
    private let now: @Sendable () -> Double
    private let live: LiveFeed
    private let files: [String: StaticFile]
    private let routesByPath: [String: [Route]]

    /// - Parameters:
    ///   - live: Nil makes one without torrents and without a clock behind it.
    ///   - files: The page, whose path is "/", and what belongs to it.
    ///   - now: Seconds since 1970.
    public init(
        control: any GovernorControl, policy: AccessPolicy, version: String, live: LiveFeed? = nil,
        files: [StaticFile] = [], now: @escaping @Sendable () -> Double
    ) {
        self.control = control
        self.policy = policy
        self.version = version
        self.now = now
        self.live = live ?? LiveFeed(torrents: nil, control: control, version: version, now: now)
        self.live.use(policy)
        self.files = Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        self.routesByPath = Dictionary(grouping: routeTable, by: \.path)
    }

    public func maximumBodyBytes(method: String, path: String) -> Int {
        // Unknown routes get a small body's worth of patience, so that they are answered with 404 or 405.
        self.routesByPath[path]?.first { $0.method.rawValue == method }?.maximumBodyBytes ?? 16 * 1024
    }

    public func earlyRefusal(of head: HTTPRequest) -> HTTPResponse? {
        guard let route = try? self.route(head) else { return nil }
        return self.policy.refusal(of: head, right: route.right)?.response(forHook: route.right == .hook)
    }

    public func answer(_ request: HTTPRequest) -> HTTPAnswer {
        if let file = self.file(request) {
            let refusal = self.policy.refusal(of: request, right: .none)
            return .now(refusal?.response() ?? file.response(to: request))
        }
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
            case .stream(let run):
                return try run(call)
            }
        } catch {
            return .now(error.response(forHook: isHook))
        }
    }

    /// Whether the request comes under a name that Weir answers to. The facade asks as well.
    public func knowsHost(_ request: HTTPRequest) -> Bool {
        self.policy.refusal(of: request, right: .none) == nil
    }

    /// "/" is the page for browsers and the list of endpoints for programs.
    private func file(_ request: HTTPRequest) -> StaticFile? {
        guard request.method == "GET" || request.method == "HEAD", let file = self.files[request.path] else {
            return nil
        }
        return self.routesByPath[request.path] == nil || request.wantsPage ? file : nil
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
            request: request, body: .null, control: self.control, live: self.live,
            policy: self.policy, version: self.version, now: self.now)
        guard route.method == .post else { return call }
        switch route.body {
        case .hook: break
        case .torrent:
            // A web page can send no such type to another origin without asking first.
            guard request.header("content-type").map({ MediaType($0).name }) == torrentMediaType else {
                throw APIError(
                    415, "torrent_needed",
                    "Send the file with the header \"Content-Type: \(torrentMediaType)\".")
            }
            guard !request.body.isEmpty else {
                throw APIError(400, "body_missing", "The request needs a .torrent file as its body.")
            }
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
