import AccessControl
import HTTPServing
import JSONValues

/// Logging in, and who else may.
let accessRoutes: [Route] = [
    .get(
        "/api/access", "Who asks, and whether there is anybody who could log in", right: .none,
        answer: .json(
            .object([
                "needs_set_up": .boolean, "is_logged_in": .boolean, "name": .nullable(.string),
                "role": .choice(AccessRole.allCases.map(\.rawValue) + ["none"]),
            ])),
        failures: [],
        run: .now { call throws(APIError) in
            let identity = call.policy.identity(of: call.request)
            let guest: String =
                switch call.policy.guestRule(for: call.request) {
                case .everything: AccessRole.admin.rawValue
                case .reading: AccessRole.read.rawValue
                case .nothing: "none"
                }
            return jsonObject {
                $0.member("needs_set_up", call.policy.access?.needsSetUp ?? false)
                $0.member("is_logged_in", identity?.kind == .session)
                $0.member("name", identity?.name)
                $0.member("role", identity?.role.rawValue ?? guest)
            }
        }),
    .post(
        "/api/access/setup", "Makes the first user, with the token that Weir wrote to its log", right: .enter,
        body: .json(
            .object(["token": .string, "name": .string, "password": .string]),
            remedy: #"Send {"token": "…", "name": "…", "password": "…"}."#),
        answer: .json(.object(["name": .string])), failures: [400, 401, 409, 429],
        run: .later { call throws(APIError) in
            let (token, name) = (try call.text("token"), try call.text("name"))
            let password = try call.text("password")
            return try await call.entering(name) { access, address async throws(AccessFailure) in
                try await access.setUp(token: token, name: name, password: password, from: address)
            }
        }),
    .post(
        "/api/access/login", "Begins a session: the answer sets a cookie", right: .enter,
        body: .json(
            .object(["name": .string, "password": .string]), remedy: #"Send {"name": "…", "password": "…"}."#),
        answer: .json(.object(["name": .string])), failures: [400, 401, 429],
        run: .later { call throws(APIError) in
            let (name, password) = (try call.text("name"), try call.text("password"))
            return try await call.entering(name) { access, address async throws(AccessFailure) in
                try await access.logIn(name: name, password: password, from: address)
            }
        }),
    .post(
        "/api/access/logout", "Ends the session", right: .enter, answer: .json(.object([:])), failures: [],
        run: .now { call throws(APIError) in
            if let secret = call.request.sessionSecret { call.policy.access?.logOut(session: secret) }
            call.live.endRefusedStreams()
            var response = jsonObject { _ in }
            response.headers.append(
                ("set-cookie", "\(sessionCookie)=; Max-Age=0; \(call.request.cookieAttributes)"))
            return response
        }),
    .post(
        "/api/access/password", "Gives a user a new password, and ends the user's sessions", right: .admin,
        body: .json(
            .object(["name": .string, "password": .string]), remedy: #"Send {"name": "…", "password": "…"}."#),
        answer: .json(.object(["name": .string])), failures: [400],
        run: .later { call throws(APIError) in
            let (name, password) = (try call.text("name"), try call.text("password"))
            try await call.deciding { access async throws(AccessFailure) in
                try await access.setPassword(password, of: name)
            }
            call.live.endRefusedStreams()
            return jsonObject { $0.member("name", name) }
        }),
    .get(
        "/api/access/keys", "The keys of programs, without their secrets", right: .admin,
        answer: .json(
            .object(["keys": .array(.object(["name": .string, "role": .string, "created_at": .integer]))])),
        failures: [],
        run: .now { call throws(APIError) in
            guard let access = call.policy.access else { throw noAccess }
            return jsonObject { writer in
                writer.member(
                    "keys",
                    array: {
                        for key in access.keys {
                            $0.object {
                                $0.member("name", key.name)
                                $0.member("role", key.role.rawValue)
                                $0.member("created_at", key.createdAt)
                            }
                        }
                    })
            }
        }),
    .post(
        "/api/access/keys/create", "Makes a key for a program; its secret is shown this once", right: .admin,
        body: .json(
            .object(["name": .string, "role": .choice(AccessRole.allCases.map(\.rawValue))]),
            remedy: #"Send {"name": "sonarr", "role": "control"}."#),
        answer: .json(.object(["name": .string, "key": .string])), failures: [400, 409],
        run: .later { call throws(APIError) in
            let name = try call.text("name")
            guard let role = AccessRole(rawValue: try call.text("role")) else {
                throw APIError(400, "bad_role", "The role must be hook, read, control or admin.")
            }
            let now = Int64(call.now())
            let secret = try await call.deciding { access async throws(AccessFailure) in
                try await access.createKey(name, role: role, secondsSince1970: now)
            }
            return jsonObject {
                $0.member("name", name)
                $0.member("key", secret)
            }
        }),
    .post(
        "/api/access/keys/revoke", "Takes a key back", right: .admin,
        body: .json(.object(["name": .string]), remedy: #"Send {"name": "sonarr"}."#),
        answer: .json(.object(["name": .string])), failures: [404],
        run: .later { call throws(APIError) in
            let name = try call.text("name")
            try await call.deciding { access async throws(AccessFailure) in try await access.revokeKey(name) }
            call.live.endRefusedStreams()
            return jsonObject { $0.member("name", name) }
        }),
]

extension HTTPRequest {
    /// Other programs of the same host do not see the cookie, nor anybody on the way where the client speaks https.
    fileprivate var cookieAttributes: String {
        "HttpOnly; SameSite=Strict; Path=\(self.basePath)/" + (self.isSecure ? "; Secure" : "")
    }
}

let noAccess = APIError(503, "no_users", "This Weir keeps no users and keys.")

extension RouteCall {
    func text(_ name: String) throws(APIError) -> String {
        guard let text = self.member(name)?.text else {
            throw APIError(400, "bad_member", "The body needs the string \"\(name)\".")
        }
        return text
    }

    @discardableResult
    func deciding<Value>(
        _ body: (any AccessDeciding) async throws(AccessFailure) -> Value
    ) async throws(APIError) -> Value {
        guard let access = self.policy.access else { throw noAccess }
        do throws(AccessFailure) { return try await body(access) } catch { throw APIError(error) }
    }

    /// Answers with the cookie of a new session.
    fileprivate func entering(
        _ name: String, _ body: (any AccessDeciding, String) async throws(AccessFailure) -> String
    ) async throws(APIError) -> HTTPResponse {
        let address = self.request.peerAddress
        let secret = try await self.deciding { access async throws(AccessFailure) in
            try await body(access, address)
        }
        var response = jsonObject { $0.member("name", name) }
        response.setSession(secret, self.request)
        return response
    }
}

extension HTTPResponse {
    mutating func setSession(_ secret: String, _ request: HTTPRequest) {
        self.headers.append(
            ("set-cookie", "\(sessionCookie)=\(secret); Max-Age=2592000; \(request.cookieAttributes)"))
    }
}

extension APIError {
    fileprivate init(_ failure: AccessFailure) {
        let (status, code) =
            switch failure {
            case .wrongToken: (401, "wrong_token")
            case .alreadySetUp: (409, "already_set_up")
            case .wrongPassword: (401, "wrong_password")
            case .tooManyAttempts: (429, "too_many_attempts")
            case .busy: (503, "busy")
            case .passwordTooShort, .passwordTooLong: (400, "bad_password")
            case .badName: (400, "bad_name")
            case .nameTaken: (409, "name_taken")
            case .noSuchKey: (404, "no_such_key")
            case .userExists: (409, "user_exists")
            case .noSuchUser: (404, "no_such_user")
            case .lastUser: (409, "last_user")
            case .store: (503, "store_failed")
            }
        self.init(status, code, "\(failure)")
        if case .tooManyAttempts(let seconds) = failure { self.headers = [("retry-after", "\(seconds)")] }
    }
}
