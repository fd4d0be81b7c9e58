import Foundation
import Testing

@testable import ControlAPI

@Suite("OpenAPI document")
struct OpenAPITests {
    private func document() async throws -> [String: Any] {
        try await handler().response(to: request("GET", "/openapi.json")).object()
    }

    private func operations() async throws -> [String: [String: Any]] {
        let paths = try #require(try await self.document()["paths"] as? [String: [String: [String: Any]]])
        var operations: [String: [String: Any]] = [:]
        for (path, methods) in paths {
            for (method, operation) in methods { operations["\(method.uppercased()) \(path)"] = operation }
        }
        return operations
    }

    @Test("It is version 3.1 and has exactly the routes of the table, each under a name of its own")
    func routes() async throws {
        #expect(try await self.document()["openapi"] as? String == "3.1.0")
        let operations = try await self.operations()
        #expect(Set(operations.keys) == Set(routeTable.map { "\($0.method.rawValue) \($0.path)" }))
        #expect(Set(operations.values.compactMap { $0["operationId"] as? String }).count == routeTable.count)
    }

    @Test(
        "Each operation tells its summary, right, parameters, body, answers and security",
        arguments: routeTable.indices)
    func operation(index: Int) async throws {
        let route = routeTable[index]
        let operation = try #require(try await self.operations()["\(route.method.rawValue) \(route.path)"])
        #expect(operation["summary"] as? String == route.summary)
        #expect(operation["x-right"] as? String == route.right.rawValue)
        let parameters = operation["parameters"] as? [[String: Any]] ?? []
        #expect(parameters.map { $0["name"] as? String } == route.parameters.map(\.name))
        #expect(parameters.map { $0["required"] as? Bool } == route.parameters.map(\.isRequired))
        if case .none = route.body {
            #expect(operation["requestBody"] == nil)
        } else {
            #expect(operation["requestBody"] != nil)
        }
        #expect((operation["security"] != nil) == (route.right == .control || route.right == .admin))
        let responses = try #require(operation["responses"] as? [String: [String: Any]])
        #expect(responses.keys.count { $0.hasPrefix("2") } == 1)
        #expect(Set(responses.keys.compactMap(Int.init).filter { $0 >= 400 }) == Set(statuses(of: route)))
        for response in responses.values { #expect((response["description"] as? String)?.isEmpty == false) }
    }

    @Test("Every reference leads somewhere")
    func references() async throws {
        let text = await handler().response(to: request("GET", "/openapi.json")).text
        let references = Set(
            text.matches(of: #/"\$ref":"#\/components\/schemas\/([A-Za-z]+)"/#).map { String($0.1) })
        let components = try #require(try await self.document()["components"] as? [String: [String: Any]])
        #expect(references == ["Error"])
        #expect(references.isSubset(of: components["schemas"].map { Set($0.keys) } ?? []))
    }
}
