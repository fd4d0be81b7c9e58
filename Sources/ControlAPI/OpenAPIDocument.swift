import JSONValues

/// The route table as an OpenAPI 3.1 document.
func openAPIDocument(version: String) -> JSONValue {
    var paths: [JSONValue.Member] = []
    for path in routeTable.map(\.path).uniqued() {
        let operations = routeTable.filter { $0.path == path }.map { route in
            JSONValue.Member(route.method.rawValue.lowercased(), operation(route))
        }
        paths.append(.init(path, .object(operations)))
    }
    return .object([
        .init("openapi", .string("3.1.0")),
        .init(
            "info",
            .object([
                .init("title", .string("Weir")), .init("version", .string(version)),
                .init(
                    "description", .string("Keeps the upload of each tracker under its cap, in qBittorrent.")),
            ])),
        .init("paths", .object(paths)),
        .init("components", components),
    ])
}

private let components = JSONValue.object([
    .init("schemas", .object([.init("Error", errorSchema.json)])),
    .init(
        "securitySchemes",
        .object([
            .init(
                "apiKey",
                .object([
                    .init("type", .string("apiKey")), .init("in", .string("header")),
                    .init("name", .string("X-API-Key")),
                ])),
            .init("bearer", .object([.init("type", .string("http")), .init("scheme", .string("bearer"))])),
        ])),
])

let errorSchema = Schema.object([
    "error": .object(["code": .string, "message": .string, "detail": .map(.string)]), "detail": .string,
    "status": .optional(.choice(["error"])), "message": .optional(.string),
])

private func operation(_ route: Route) -> JSONValue {
    var members: [JSONValue.Member] = [
        .init("summary", .string(route.summary)),
        .init("operationId", .string(route.method.rawValue.lowercased() + "_" + route.listedName)),
        .init("x-right", .string(route.right.rawValue)),
    ]
    if !route.parameters.isEmpty {
        members.append(.init("parameters", .array(route.parameters.map(parameter))))
    }
    if let body = requestBody(route.body) { members.append(.init("requestBody", body)) }
    members.append(.init("responses", .object(responses(route))))
    if route.right == .control || route.right == .admin {
        // Either kind of key, or none where only this machine can ask.
        let choices = ["apiKey", "bearer"].map { JSONValue.object([.init($0, .array([]))]) }
        members.append(.init("security", .array(choices + [.object([])])))
    }
    return .object(members)
}

private func parameter(_ parameter: Route.Parameter) -> JSONValue {
    .object([
        .init("name", .string(parameter.name)), .init("in", .string("query")),
        .init("description", .string(parameter.summary)), .init("required", .bool(parameter.isRequired)),
        .init("schema", parameter.schema.json),
    ])
}

private func requestBody(_ body: Route.Body) -> JSONValue? {
    switch body {
    case .none:
        return nil
    case .json(let schema, let remedy):
        return .object([
            .init("description", .string(remedy)), .init("required", .bool(true)),
            .init("content", content("application/json", schema)),
        ])
    case .torrent:
        return .object([
            .init("required", .bool(true)), .init("content", content(torrentMediaType, .string)),
        ])
    case .hook:
        let fields = Schema.object(["hash": .string, "event": .optional(.string)]).json
        // Other fields may be sent and are not believed.
        guard case .object(let members) = fields else { return nil }
        let open = JSONValue.object(members.filter { $0.name != "additionalProperties" })
        let types = ["application/x-www-form-urlencoded", "multipart/form-data", "application/json"]
        return .object([
            .init("required", .bool(true)),
            .init("content", .object(types.map { .init($0, .object([.init("schema", open)])) })),
        ])
    }
}

private func responses(_ route: Route) -> [JSONValue.Member] {
    let success: (status: Int, content: JSONValue) =
        switch route.answer {
        case .json(let schema, let status): (status, content("application/json", schema))
        case .text(let type): (200, content(type, .string))
        case .events: (200, content("text/event-stream", .string))
        }
    let failures = statuses(of: route).map { status in
        JSONValue.Member(
            String(status),
            .object([
                .init("description", .string(reasonPhrase(status))),
                .init(
                    "content",
                    .object([
                        .init(
                            "application/json",
                            .object([
                                .init(
                                    "schema",
                                    .object([.init("$ref", .string("#/components/schemas/Error"))]))
                            ]))
                    ])),
            ]))
    }
    return [
        .init(
            String(success.status),
            .object([.init("description", .string(route.summary)), .init("content", success.content)]))
    ] + failures
}

/// Every status beside success that the route can answer, the checks before it included.
func statuses(of route: Route) -> [Int] {
    var statuses = Set(route.failures)
    // A Host header that cannot be read, one that is not ours, a foreign page, a missing key.
    if route.right.needsKnownHost { statuses.formUnion([400, 403]) }
    if route.right.changesState { statuses.formUnion([400, 403, 413, 415]) }
    if route.right == .control || route.right == .admin { statuses.insert(401) }
    return statuses.sorted()
}

private func content(_ type: String, _ schema: Schema) -> JSONValue {
    .object([.init(type, .object([.init("schema", schema.json)]))])
}

private func reasonPhrase(_ status: Int) -> String {
    switch status {
    case 400: "What was sent cannot be used"
    case 401: "A key is needed"
    case 403: "Not from this host or page"
    case 404: "There is no such thing"
    case 409: "Not possible now"
    case 413: "The body is too long"
    case 415: "The body is of another type"
    case 422: "A parameter is missing or wrong"
    case 429: "The queue is full"
    case 502: "A qBittorrent instance does not answer"
    case 503: "Still starting"
    default: "It failed"
    }
}

extension Sequence where Element: Hashable {
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return self.filter { seen.insert($0).inserted }
    }
}
