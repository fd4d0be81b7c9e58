import HTTPFetching
import JSONScanning

/// Why a call to qBittorrent gave nothing, by what the caller can do about it. Holds no secret: neither
/// credentials nor cookies nor announce URLs.
public enum ClientFailure: Error, Hashable, Sendable {
    /// Try again later: nothing listens there, or the network is down.
    case unreachable(String)
    case timedOut(afterSeconds: Double)
    /// The credentials were refused. Not tried again before they change: five failures ban this address.
    case wrongCredentials
    /// qBittorrent refuses every login from this address, for an hour unless set otherwise.
    case banned
    /// Something else answers at this address.
    case notQBittorrent(String)
    /// A status of 500 and above.
    case serverError(status: Int, endpoint: Endpoint)
    /// The answer ended early, or is not what this endpoint answers.
    case malformedAnswer(endpoint: Endpoint, String)
    /// qBittorrent refuses this request, however often it is sent.
    case rejected(status: Int, endpoint: Endpoint)
    /// The server's certificate is not to be believed.
    case tls(String)
    /// Not sent: qBittorrent takes this limit for another one. It bears 1 to 2³¹ - 2 bytes per second.
    case limitOutOfRange(bytesPerSecond: Int64)
    case cancelled
}

extension ClientFailure {
    init(_ failure: FetchFailure, at endpoint: Endpoint) {
        self =
            switch failure {
            case .invalidURL: .unreachable("the address does not make a URL")
            case .hostNotFound(let host): .unreachable("no host is called \(host)")
            case .connectionRefused: .unreachable("the connection is refused")
            case .unreachable(let detail): .unreachable(detail)
            case .timedOut(let seconds): .timedOut(afterSeconds: seconds)
            case .untrusted(let detail): .tls(detail)
            case .addressRefused(let address): .unreachable("\(address) is not to be talked to")
            case .truncated: .malformedAnswer(endpoint: endpoint, "the connection ended inside the answer")
            case .bodyTooLong(let maximum):
                .malformedAnswer(endpoint: endpoint, "the answer is longer than \(maximum) bytes")
            case .refusedBySink: .malformedAnswer(endpoint: endpoint, "the answer was not taken")
            case .cancelled: .cancelled
            case .other(let code, let message): .unreachable("\(message) (\(code))")
            }
    }

    init(_ failure: JSONFailure, at endpoint: Endpoint) {
        self =
            switch failure.reason {
            case .unexpectedByte(UInt8(ascii: "<")) where failure.offset < 16:
                .notQBittorrent("\(endpoint.rawValue) answers with a web page")
            case .endOfInput:
                .malformedAnswer(endpoint: endpoint, "the answer ends early, after \(failure.offset) bytes")
            default: .malformedAnswer(endpoint: endpoint, "\(failure.reason) at byte \(failure.offset)")
            }
    }

    /// Whether a connection that was kept open may just have been closed by the other side: qBittorrent
    /// does so after seven idle seconds.
    static func isBrokenConnection(_ failure: FetchFailure) -> Bool {
        switch failure {
        case .truncated, .other: true
        case .invalidURL, .hostNotFound, .connectionRefused, .unreachable, .timedOut, .untrusted,
            .addressRefused, .bodyTooLong, .refusedBySink, .cancelled:
            false
        }
    }
}

extension ClientFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let detail): "qBittorrent is not reached: \(detail)"
        case .timedOut(let seconds): "qBittorrent did not answer within \(seconds) s"
        case .wrongCredentials: "qBittorrent refuses the credentials"
        case .banned: "qBittorrent has banned this address after failed logins"
        case .notQBittorrent(let detail): "this is not qBittorrent's Web API: \(detail)"
        case .serverError(let status, let endpoint): "\(endpoint.rawValue) fails with status \(status)"
        case .malformedAnswer(let endpoint, let detail): "\(endpoint.rawValue): \(detail)"
        case .rejected(let status, let endpoint): "\(endpoint.rawValue) is refused with status \(status)"
        case .tls(let detail): "qBittorrent's certificate is not accepted: \(detail)"
        case .limitOutOfRange(let rate): "\(rate) B/s is not a limit that qBittorrent can hold"
        case .cancelled: "the call was cancelled"
        }
    }
}
