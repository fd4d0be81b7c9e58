import HTTPFetching
import JSONScanning

/// Logs in, keeps the cookies, and counts calls. Everything that is sent to qBittorrent passes here.
final class APISession {
    private let fetcher: any Fetching
    private let address: ServerAddress
    private(set) var credentials: Credentials
    /// By name, whatever the name: `SID` before qBittorrent 5.2, `QBT_SID_<port>` after, or configured.
    private var cookies: [String: String] = [:]
    private var isLoggedIn = false
    /// Set when a login failed. As long as it is set nothing is sent.
    private(set) var credentialsRefused: Bool
    /// Counts the sessions seen. A new one means that the old one ended, most likely with the process.
    private(set) var epoch = 0
    private(set) var calls: [Endpoint: CallCount] = [:]

    init(fetcher: any Fetching, address: ServerAddress, credentials: Credentials, credentialsRefused: Bool) {
        self.fetcher = fetcher
        self.address = address
        self.credentials = credentials
        self.credentialsRefused = credentialsRefused
    }

    func use(_ credentials: Credentials) {
        guard credentials != self.credentials else { return }
        self.credentials = credentials
        self.permitLogin()
        self.forgetSession()
    }

    func permitLogin() { self.credentialsRefused = false }

    /// Sends a request with a valid session: logs in first where that is due, and once more if the session
    /// proves to have ended. The answer may have any status but 403.
    func call(
        _ endpoint: Endpoint, query: String = "", form: FormBody? = nil, isLong: Bool = false,
        into sink: (any CountingSink)? = nil
    ) async throws(ClientFailure) -> FetchResponse {
        guard !self.credentialsRefused else { throw .wrongCredentials }
        if !self.isLoggedIn { try await self.logIn() }
        let response = try await self.send(endpoint, query, form, isLong, sink)
        guard response.status == 403 else { return response }

        self.forgetSession()
        guard case .password = self.credentials else { throw .wrongCredentials }
        try await self.logIn()
        let second = try await self.send(endpoint, query, form, isLong, sink)
        guard second.status != 403 else {
            self.forgetSession()
            throw .rejected(status: 403, endpoint: endpoint)
        }
        return second
    }

    /// Refuses every answer but a 2xx.
    func check(_ response: FetchResponse, of endpoint: Endpoint) throws(ClientFailure) {
        switch response.status {
        case 200...299: return
        case 300...399: throw .notQBittorrent("\(endpoint.rawValue) redirects to another place")
        case 404: throw .notQBittorrent("there is no \(endpoint.rawValue)")
        case 500...: throw .serverError(status: response.status, endpoint: endpoint)
        default: throw .rejected(status: response.status, endpoint: endpoint)
        }
    }

    /// Reads a JSON answer as it arrives.
    func read<Reader: EventReading>(
        _ endpoint: Endpoint, query: String = "", form: FormBody? = nil, isLong: Bool = false,
        _ shape: DocumentShape, _ reader: Reader
    ) async throws(ClientFailure) -> Reader {
        let sink = DocumentSink(shape, reader)
        let response: FetchResponse
        do {
            response = try await self.call(endpoint, query: query, form: form, isLong: isLong, into: sink)
        } catch {
            throw sink.failure(at: endpoint) ?? error
        }
        try self.check(response, of: endpoint)
        return try sink.finish(at: endpoint)
    }

    /// The text of a short answer.
    func text(_ endpoint: Endpoint) async throws(ClientFailure) -> String {
        let response = try await self.call(endpoint)
        try self.check(response, of: endpoint)
        return String(decoding: response.body, as: UTF8.self)
    }
}

extension APISession {
    private func forgetSession() {
        self.cookies = [:]
        self.isLoggedIn = false
    }

    /// Logs in with the user's name and password: the one call that can lead to a ban, so it is sent once.
    ///
    /// Where loopback needs no login qBittorrent says "Ok." to any password, without counting it.
    private func logIn() async throws(ClientFailure) {
        self.forgetSession()
        guard case .password(let user, let password) = self.credentials else {
            self.isLoggedIn = true
            self.epoch += 1
            return
        }
        var form = FormBody()
        form.append("username", user)
        form.append("password", password)
        let response = try await self.send(.login, "", form, false, nil)
        let text = String(decoding: response.body.prefix(16), as: UTF8.self)
            .trimmingWhitespace()
        switch (response.status, text) {
        case (204, _), (200, "Ok."), (200, ""):
            self.isLoggedIn = true
            self.epoch += 1
        case (200, "Fails."): try self.refuseCredentials()
        case (401, _):
            // From 5.2 on a wrong password. Before that, and also after, a Host header with another port
            // than qBittorrent's own; then a call without any session says the same, else 403.
            let probe = try await self.send(.webAPIVersion, "", nil, false, nil)
            if probe.status == 401 { throw .rejected(status: 401, endpoint: .login) }
            self.forgetSession()
            try self.refuseCredentials()
        case (403, _): throw .banned
        case (200, _): throw .notQBittorrent("the login is answered with something else")
        default:
            try self.check(response, of: .login)
            throw .notQBittorrent("the login is answered with status \(response.status)")
        }
    }

    private func refuseCredentials() throws(ClientFailure) {
        self.credentialsRefused = true
        throw .wrongCredentials
    }

    private func request(
        _ endpoint: Endpoint, _ query: String, _ form: FormBody?, isLong: Bool, isScanned: Bool
    ) -> FetchRequest {
        var headers: [(name: String, value: String)] = []
        if !self.cookies.isEmpty {
            let pairs = self.cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            headers.append(("Cookie", pairs.joined(separator: "; ")))
        }
        if case .apiKey(let key) = self.credentials { headers.append(("Authorization", "Bearer \(key)")) }
        if form != nil { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
        let seconds = self.address.timeoutSeconds
        return FetchRequest(
            method: form == nil ? .get : .post,
            url: self.address.root + endpoint.rawValue + (query.isEmpty ? "" : "?\(query)"), headers: headers,
            body: form?.bytes ?? [], connectTimeoutSeconds: min(10, seconds),
            timeoutSeconds: isLong ? max(120, seconds) : seconds,
            // What is scanned as it comes is not kept: 512 MiB are 300,000 torrents.
            maximumBodyBytes: isScanned ? 1 << 29 : 1 << 20, trust: self.address.trust,
            isRepeatable: Self.isRepeatable(endpoint))
    }

    /// Whether a second request does no harm. It would with `sync/maindata`, where a lost answer is lost data,
    /// and with a login.
    private static func isRepeatable(_ endpoint: Endpoint) -> Bool {
        endpoint != .mainData && endpoint != .login
    }

    /// One request, sent again only when a connection that was kept open turns out to be closed, nothing of
    /// an answer has come, and it is repeatable.
    private func send(
        _ endpoint: Endpoint, _ query: String, _ form: FormBody?, _ isLong: Bool, _ sink: (any CountingSink)?
    ) async throws(ClientFailure) -> FetchResponse {
        let request = self.request(endpoint, query, form, isLong: isLong, isScanned: sink != nil)
        do {
            return try await self.attempt(request, endpoint, sink)
        } catch {
            guard request.isRepeatable, ClientFailure.isBrokenConnection(error),
                (sink?.bytesReceived ?? 0) == 0
            else {
                throw ClientFailure(error, at: endpoint)
            }
        }
        do {
            return try await self.attempt(request, endpoint, sink)
        } catch {
            throw ClientFailure(error, at: endpoint)
        }
    }

    private func attempt(
        _ request: FetchRequest, _ endpoint: Endpoint, _ sink: (any CountingSink)?
    ) async throws(FetchFailure) -> FetchResponse {
        self.calls[endpoint, default: CallCount()].calls += 1
        let before = sink?.bytesReceived ?? 0
        var isGood = false
        var bodyBytes = 0
        defer {
            self.calls[endpoint, default: CallCount()].bytes +=
                bodyBytes + (sink?.bytesReceived ?? 0) - before
            if !isGood { self.calls[endpoint, default: CallCount()].failures += 1 }
        }
        let response = try await self.fetcher.fetch(request, into: sink)
        bodyBytes = response.body.count
        isGood = 200...299 ~= response.status
        self.keepCookies(of: response)
        return response
    }

    private func keepCookies(of response: FetchResponse) {
        for header in response.headers where header.name == "set-cookie" {
            let pair = header.value.prefix { $0 != ";" }
            guard let split = pair.firstIndex(of: "=") else { continue }
            let name = pair[..<split].trimmingWhitespace()
            let value = pair[pair.index(after: split)...].trimmingWhitespace()
            guard !name.isEmpty, name.utf8.count + value.utf8.count <= 4096 else { continue }
            // Where no login is needed, this is how a restarted server shows: it does not know our session.
            let isSession = name == "SID" || name.hasPrefix("QBT_SID_")
            if self.isLoggedIn, isSession, let old = self.cookies[name], old != value { self.epoch += 1 }
            if self.cookies[name] != nil || self.cookies.count < 16 { self.cookies[name] = value }
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingWhitespace() -> String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
