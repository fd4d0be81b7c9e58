import HTTPServing
import JSONValues
import LimitPlanning

/// What changes something.
let commandRoutes: [Route] = [
    .post(
        "/cycle/force", "Run a cycle now and wait for its end",
        answer: .json(
            .object([
                "status": .choice(["completed"]),
                "outcome": .choice(CycleReport.Outcome.allCases.map(\.rawValue)),
                "duration_seconds": .number, "changes": .integer, "api_calls": .integer, "timestamp": .number,
            ])),
        failures: [409, 500, 502, 503],
        run: .later { call throws(APIError) in
            let cycle = try await asking { () throws(ControlFailure) in try await call.control.forceCycle() }
            return jsonObject { json in
                json.member("status", "completed")
                json.member("outcome", cycle.outcome.rawValue)
                json.member("duration_seconds", rounded(cycle.durationSeconds, decimals: 2))
                json.member("changes", cycle.changes)
                json.member("api_calls", cycle.apiCalls)
                json.member("timestamp", call.now())
            }
        }),
    .post(
        "/rollback", "Give every torrent the limit back that it had before Weir",
        body: .json(
            .object(["confirm": .boolean, "reason": .optional(.string)]),
            remedy: "Send {\"confirm\": true} as JSON, and a \"reason\" if you like."),
        answer: .json(
            .object([
                "status": .choice(["completed", "partial"]), "changes_reversed": .integer,
                "remaining": .integer,
                "duration_seconds": .number, "reason": .string, "mode": modeSchema, "timestamp": .number,
            ])),
        failures: [400, 500, 502, 503],
        run: .later { call throws(APIError) in
            try call.requireConfirmation("A rollback")
            let reason = try call.string("reason") ?? "Manual rollback"
            let report = try await asking { () throws(ControlFailure) in
                try await call.control.rollBack(reason: reason)
            }
            return jsonObject { json in
                json.member("status", report.remaining == 0 ? "completed" : "partial")
                json.member("changes_reversed", report.changesReversed)
                json.member("remaining", report.remaining)
                json.member("duration_seconds", rounded(report.durationSeconds, decimals: 2))
                json.member("reason", reason)
                json.member("mode", mode(isDryRun: report.isDryRun))
                json.member("timestamp", call.now())
            }
        }),
    .post(
        "/rollout", "Govern so many percent of all torrents, from now on and after a restart",
        body: .json(.object(["percentage": .integer]), remedy: "Send {\"percentage\": 50} as JSON."),
        answer: .json(
            .object(["status": .choice(["updated"]), "rollout_percentage": .integer, "timestamp": .number])),
        failures: [400, 500, 503],
        run: .later { call throws(APIError) in
            guard case .integer(let number) = call.member("percentage"), (1...100).contains(number),
                let percentage = Int(exactly: number)
            else {
                throw APIError(400, "bad_percentage", "Percentage must be an integer between 1 and 100")
            }
            try await asking { () throws(ControlFailure) in
                try await call.control.setRollout(percentage: percentage)
            }
            return jsonObject { json in
                json.member("status", "updated")
                json.member("rollout_percentage", percentage)
                json.member("timestamp", call.now())
            }
        }),
    .post(
        "/smoothing/reset", "Forget the smoothed caps of the strategy \"soft\", of one tracker or of all",
        body: .json(
            .object(["all": .optional(.boolean), "tracker_id": .optional(.string)]),
            remedy: "Send {\"all\": true} or {\"tracker_id\": \"ID\"} as JSON."),
        answer: .json(
            .object([
                "status": .choice(["ok"]), "cleared_count": .integer, "tracker": .string,
                "strategy": strategySchema, "timestamp": .number, "message": .optional(.string),
            ])),
        failures: [400, 404, 500, 503],
        run: .later { call throws(APIError) in
            let tracker = try call.string("tracker_id")
            let isAll = try call.boolean("all") ?? false
            guard isAll != (tracker != nil) else {
                throw APIError(
                    400, "bad_smoothing_scope", "Send either {\"all\": true} or {\"tracker_id\": \"ID\"}.")
            }
            let reset = try await asking { () throws(ControlFailure) in
                try await call.control.resetSmoothing(tracker: tracker)
            }
            return jsonObject { json in
                json.member("status", "ok")
                json.member("cleared_count", reset.clearedCount)
                json.member("tracker", tracker ?? "all")
                json.member("strategy", reset.strategy.rawValue)
                json.member("timestamp", call.now())
                if reset.strategy != .soft {
                    json.member("message", "The strategy is not \"soft\": its smoothed caps may be unused.")
                }
            }
        }),
    .post(
        "/limits/reset", "Set every torrent that Weir touched to unlimited",
        body: .json(
            .object([
                "confirm": .boolean, "scope": .optional(.choice(LimitsResetScope.allCases.map(\.rawValue))),
                "mark_restored": .optional(.boolean),
            ]), remedy: "Send {\"confirm\": true, \"scope\": \"unrestored\"} as JSON."),
        answer: .json(.object(["status": .choice(["ok"]), "count": .integer, "mode": modeSchema])),
        failures: [400, 500, 502, 503],
        run: .later { call throws(APIError) in
            try call.requireConfirmation("Resetting limits")
            guard let scope = LimitsResetScope(rawValue: try call.string("scope") ?? "unrestored") else {
                throw APIError(400, "bad_scope", "scope must be \"unrestored\" or \"all\".")
            }
            let marksRestored = try call.boolean("mark_restored") ?? false
            let reset = try await asking { () throws(ControlFailure) in
                try await call.control.resetLimits(scope, marksRestored: marksRestored)
            }
            return jsonObject { json in
                json.member("status", "ok")
                json.member("count", reset.count)
                json.member("mode", mode(isDryRun: reset.isDryRun))
            }
        }),
    .post(
        "/config/reload", "Read the configuration file again and apply it; a bad one changes nothing",
        answer: .json(
            .object([
                "status": .choice(["reloaded"]), "rollout_percentage": .integer, "strategy": strategySchema,
                "warnings": .array(.string), "restart_needed": .array(.string),
            ])),
        run: .later { call throws(APIError) in
            let report = try await asking { () throws(ControlFailure) in
                try await call.control.reloadConfiguration()
            }
            return jsonObject { json in
                json.member("status", "reloaded")
                json.member("rollout_percentage", report.rolloutPercentage)
                json.member("strategy", report.strategy.rawValue)
                json.member("warnings", report.warnings)
                json.member("restart_needed", report.restartNeeded)
            }
        }),
    .post(
        "/pause", "Observe only and change no limit, until resumed, also after a restart",
        answer: pauseAnswer, run: .later { call throws(APIError) in try await setPaused(true, call) }),
    .post(
        "/resume", "Go on after a pause", answer: pauseAnswer,
        run: .later { call throws(APIError) in try await setPaused(false, call) }),
]

let modeSchema = Schema.choice(["real", "dry-run"])

private let pauseAnswer = Route.Answer.json(
    .object(["status": .choice(["paused", "running"]), "timestamp": .number]))

private func mode(isDryRun: Bool) -> String { isDryRun ? "dry-run" : "real" }

private func setPaused(_ isPaused: Bool, _ call: RouteCall) async throws(APIError) -> HTTPResponse {
    try await asking { () throws(ControlFailure) in try await call.control.setPaused(isPaused) }
    return jsonObject { json in
        json.member("status", isPaused ? "paused" : "running")
        json.member("timestamp", call.now())
    }
}

extension RouteCall {
    fileprivate func requireConfirmation(_ what: String) throws(APIError) {
        guard self.member("confirm") == .bool(true) else {
            throw APIError(400, "not_confirmed", "\(what) needs confirmation: send {\"confirm\": true}.")
        }
    }

    /// Nil when left out or null.
    fileprivate func string(_ name: String) throws(APIError) -> String? {
        switch self.member(name) {
        case nil, .null: return nil
        case .string(let text) where text.utf8.count <= 1000: return text
        default: throw APIError(400, "bad_\(name)", "\"\(name)\" must be a string of at most 1000 bytes.")
        }
    }

    fileprivate func boolean(_ name: String) throws(APIError) -> Bool? {
        switch self.member(name) {
        case nil, .null: return nil
        case .bool(let value): return value
        default: throw APIError(400, "bad_\(name)", "\"\(name)\" must be true or false.")
        }
    }
}
