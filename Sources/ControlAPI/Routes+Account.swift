import AccessControl
import HTTPServing
import JSONValues

/// What somebody who is logged in does with passwords and sessions. Whoever loses the right loses the open streams at once.
let accountRoutes: [Route] = [
    .post(
        "/api/access/password/change",
        "Changes a password by who knows it; answers a new session and ends all others", right: .admin,
        body: .json(
            .object(["name": .string, "current": .string, "password": .string]),
            remedy: #"Send {"name": "…", "current": "…", "password": "…"}."#),
        answer: .json(.object(["name": .string])), failures: [400, 401, 429],
        run: .later { call throws(APIError) in
            let (name, current) = (try call.text("name"), try call.text("current"))
            let password = try call.text("password")
            let address = call.request.peerAddress
            let secret = try await call.deciding { access async throws(AccessFailure) in
                try await access.changePassword(
                    of: name, from: current, to: password, address: address)
            }
            call.live.endRefusedStreams()
            var response = jsonObject { $0.member("name", name) }
            response.setSession(secret, call.request)
            return response
        }),
    .get(
        "/api/access/sessions", "Who is logged in, and from where", right: .admin,
        answer: .json(
            .object([
                "sessions": .array(
                    .object([
                        "id": .string, "user": .string, "address": .string, "age": .integer,
                        "idle": .integer, "is_own": .boolean,
                    ]))
            ])), failures: [],
        run: .now { call throws(APIError) in
            let sessions = try call.access().sessions(own: call.request.sessionSecret)
            return jsonObject { json in
                json.member(
                    "sessions",
                    array: { json in
                        for session in sessions {
                            json.object { json in
                                json.member("id", session.id)
                                json.member("user", session.user)
                                json.member("address", session.address)
                                json.member("age", seconds(session.ageSeconds))
                                json.member("idle", seconds(session.idleSeconds))
                                json.member("is_own", session.isOwn)
                            }
                        }
                    })
            }
        }),
    .post(
        "/api/access/sessions/end", "Logs somebody out", right: .admin,
        body: .json(
            .object(["id": .string]), remedy: #"Send {"id": "…"}, as /api/access/sessions names it."#),
        answer: .json(.object(["id": .string])), failures: [404],
        run: .now { call throws(APIError) in
            let id = try call.text("id")
            guard try call.access().endSession(id) else {
                throw APIError(404, "no_such_session", "There is no such session any more.")
            }
            call.live.endRefusedStreams()
            return jsonObject { $0.member("id", id) }
        }),
]

extension RouteCall {
    fileprivate func access() throws(APIError) -> any AccessDeciding {
        guard let access = self.policy.access else { throw noAccess }
        return access
    }
}
