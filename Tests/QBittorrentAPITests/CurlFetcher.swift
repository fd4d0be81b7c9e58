import Foundation
import HTTPFetching

/// Sends requests with the `curl` program: an exchange that shares no code with what is tested.
final class CurlFetcher: Fetching, Sendable {
    private struct Outcome: Sendable {
        var status: Int32
        var head: String
        var body: [UInt8]
    }

    func fetch(_ request: FetchRequest, into sink: (any BodySink)?) async throws(FetchFailure)
        -> FetchResponse
    {
        // On a thread of its own: waiting for a program would hold up the tests' few threads.
        let outcome = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.run(request)) }
        }
        switch outcome.status {
        case 0: break
        case 7: throw .connectionRefused
        case 18: throw .truncated
        case 28: throw .timedOut(afterSeconds: request.timeoutSeconds)
        default: throw .other(code: outcome.status, message: "curl")
        }
        let lines = outcome.head.components(separatedBy: "\r\n")
        var response = FetchResponse(
            status: lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            response.headers.append((line[..<colon].lowercased(), value))
        }
        guard response.status == 200, let sink else {
            response.body = outcome.body
            return response
        }
        for start in stride(from: 0, to: outcome.body.count, by: 16384) {
            let end = min(start + 16384, outcome.body.count)
            guard sink.receive(outcome.body.span.extracting(start..<end)) else { throw .refusedBySink }
        }
        return response
    }

    private static func run(_ request: FetchRequest) -> Outcome {
        let head = FileManager.default.temporaryDirectory.appendingPathComponent("curl-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: head) }
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        var arguments = ["curl", "-sS", "--noproxy", "*", "--compressed", "-D", head.path, "-H", "Expect:"]
        arguments += ["--max-time", "\(request.timeoutSeconds)"]
        for header in request.headers { arguments += ["-H", "\(header.name): \(header.value)"] }
        if request.method == .post { arguments += ["--data-binary", "@-"] }
        curl.arguments = arguments + [request.url]
        let input = Pipe()
        let output = Pipe()
        curl.standardInput = input
        curl.standardOutput = output
        curl.standardError = FileHandle.nullDevice
        do {
            try curl.run()
            try input.fileHandleForWriting.write(contentsOf: Data(request.body))
            try input.fileHandleForWriting.close()
            let body = try output.fileHandleForReading.readToEnd() ?? Data()
            curl.waitUntilExit()
            let text = (try? String(contentsOf: head, encoding: .utf8)) ?? ""
            return Outcome(status: curl.terminationStatus, head: text, body: Array(body))
        } catch {
            return Outcome(status: -1, head: "", body: [])
        }
    }
}
