import HTTPServing
import JSONValues

/// What the service says of itself, and the webhook.
let serviceRoutes: [Route] = [
    .get(
        "/", "Name, version, status and the list of endpoints", right: .none,
        answer: .json(
            .object([
                "name": .string, "version": .string, "description": .string, "status": healthStatus,
                "endpoints": .map(.string),
            ])),
        failures: [],
        run: .later { call throws(APIError) in
            let health = await call.control.health()
            return jsonObject { json in
                json.member("name", "Weir")
                json.member("version", call.version)
                json.member("description", "Keeps the upload of each tracker under its cap, in qBittorrent")
                json.member("status", health.status.rawValue)
                json.member(
                    "endpoints",
                    object: { json in
                        for route in routeTable where route.path != "/" {
                            json.member(route.listedName, route.path)
                        }
                    })
            }
        }),
    .get(
        "/health", "Whether Weir works, and why not; always 200", right: .none,
        answer: .json(healthSchema), failures: [],
        run: .later { call throws(APIError) in
            let health = await call.control.health()
            return jsonObject { write(health, version: call.version, to: &$0) }
        }),
    .get(
        "/healthz", "Alive: answers as long as the event loop turns", right: .none,
        answer: .json(.object(["status": .choice(["ok"])])), failures: [],
        run: .now { _ throws(APIError) in jsonObject { $0.member("status", "ok") } }),
    .get(
        "/metrics", "Numbers for Prometheus (text format 0.0.4)",
        answer: .text(type: metricsContentType), failures: [],
        run: .later { call throws(APIError) in
            let snapshot = await call.control.metrics()
            return HTTPResponse(text: metricsText(snapshot, version: call.version), type: metricsContentType)
        }),
    .get(
        "/openapi.json", "This API as an OpenAPI 3.1 document", right: .none, answer: .json(.any),
        failures: [],
        run: .now { call throws(APIError) in
            var json = JSONWriter(reservingBytes: 32 * 1024)
            json.value(openAPIDocument(version: call.version))
            return HTTPResponse(json: json)
        }),
    .post(
        "/webhook", "A hint that something happened to a torrent; only hash and event are believed",
        right: .hook, body: .hook, maximumBodyBytes: 64 * 1024,
        answer: .json(
            .object([
                "status": .choice(["queued"]), "queue_size": .integer, "processing_time_ms": .number,
                "message": .optional(.string),
            ]), status: 202),
        failures: [429],
        run: .now { call throws(APIError) in
            let start = call.now()
            let body = try HookBody(call.request)
            switch call.control.hook(body.event) {
            case .accepted(let queueSize):
                return jsonObject(status: 202, reservingBytes: 128) { json in
                    json.member("status", "queued")
                    json.member("queue_size", queueSize)
                    json.member("processing_time_ms", rounded((call.now() - start) * 1000, decimals: 3))
                    if let unknown = body.unknownEvent {
                        json.member("message", "unknown event \"\(unknown)\", taken as a hint to look")
                    }
                }
            case .full(let queueSize):
                throw APIError(
                    429, "queue_full",
                    "Too many torrents are waiting to be looked at; this event was dropped.",
                    detail: ["queue_size": String(queueSize)], headers: [("retry-after", "1")])
            }
        }),
]
