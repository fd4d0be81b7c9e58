import ControlAPI
import EventIO
import HTTPFetching
import WeirSettings

/// An answer of a running Weir.
public struct DaemonAnswer: Sendable {
    public var status: Int
    public var body: [UInt8]

    public var isSuccess: Bool { (200..<300).contains(self.status) }
}

/// The control API of the Weir that runs with the same configuration.
extension OneShot {
    /// Asks a running Weir. Nil when none is running. Where somebody has to be known, that is who may write its database.
    public func daemon(
        _ method: String, _ path: String, body: [UInt8] = []
    ) async -> Result<DaemonAnswer, ServiceFailure>? {
        let answer = await self.daemon(method, path, body: body, key: self.settings.global.apiKey)
        guard case .success(let refusal)? = answer, refusal.status == 401, let secret = self.key.secret()
        else { return answer }
        return await self.daemon(method, path, body: body, key: secret)
    }

    private func daemon(
        _ method: String, _ path: String, body: [UInt8], key: String?
    ) async -> Result<DaemonAnswer, ServiceFailure>? {
        var headers: [(name: String, value: String)] = []
        if !body.isEmpty { headers.append(("Content-Type", "application/json")) }
        if let key { headers.append(("X-API-Key", key)) }
        do throws(FetchFailure) {
            let response = try await self.fetcher.fetch(
                FetchRequest(
                    method: method == "GET" ? .get : .post, url: self.daemonURL + path, headers: headers,
                    body: body,
                    connectTimeoutSeconds: 3, timeoutSeconds: 120, maximumBodyBytes: 64 << 20),
                into: nil)
            return .success(DaemonAnswer(status: response.status, body: response.body))
        } catch {
            if error == .connectionRefused { return nil }
            return .failure(.unreachable("the Weir at \(self.daemonURL) does not answer: \(error)"))
        }
    }

    /// Where the configured Weir can be reached from this machine.
    public var daemonURL: String {
        let host = self.settings.global.host
        let reachable: String
        switch host {
        case "0.0.0.0": reachable = "127.0.0.1"
        case "::": reachable = "[::1]"
        default: reachable = host.contains(":") ? "[\(host)]" : host
        }
        return "http://\(reachable):\(self.settings.global.port)"
    }
}
