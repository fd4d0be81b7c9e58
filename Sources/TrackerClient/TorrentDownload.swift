public import EventIO
public import HTTPFetching
import SwarmTypes
public import TrackerProtocol

/// Why a web address gave no torrent. Its words name no path or query: there may be a passkey in them.
public enum TorrentDownloadFailure: Error, Hashable, Sendable {
    /// Nobody answers there, or not in time, or nobody who can prove who he is.
    case unreachable(String)
    /// The server says no.
    case status(Int)
    /// A redirect leads to where a foreign server may not send us.
    case notAllowed(String)
    case tooLong(maximum: Int)
    case damaged(String)
}

/// A .torrent file, or the magnet link that stands for one, from a web address that the user typed.
///
/// The user may name any server but link-local ones. A server may send us on only to public addresses, or to itself, and
/// never from HTTPS to HTTP, so that a page outside cannot make us ask the services of this network (SSRF).
public struct TorrentDownload: Sendable {
    /// What is there. The bytes are not looked at.
    public enum Found: Hashable, Sendable {
        case file([UInt8])
        case magnet(String)
    }

    public static let maximumBytes = 10 << 20
    static let maximumRedirects = 5

    public var userAgent: String
    public var trust = FetchTrust()
    public var connectTimeoutSeconds: Double = 15
    /// For each exchange.
    public var timeoutSeconds: Double = 60

    public init(userAgent: String) { self.userAgent = userAgent }

    /// Runs `loop`, which is nobody else's, on the calling thread until it is done.
    public func run(_ url: TrackerURL, on loop: EventLoop) throws(TorrentDownloadFailure) -> Found {
        let fetcher = HTTPFetcher(loop: loop, userAgent: self.userAgent)
        let outcome = Lock<Result<Found, TorrentDownloadFailure>>(.failure(.unreachable("it was not asked")))
        Task(executorPreference: loop) {
            let found = await self.fetch(url, by: fetcher)
            outcome.withLock { $0 = found }
            loop.stop()
        }
        loop.run()
        fetcher.close()
        return try outcome.withLock { $0 }.get()
    }

    /// On the fetcher's loop.
    public func fetch(
        _ start: TrackerURL, by fetcher: any Fetching
    ) async -> Result<Found, TorrentDownloadFailure> {
        var url = start
        var origin: PeerAddress?
        for _ in 0...Self.maximumRedirects {
            let response: FetchResponse
            do throws(FetchFailure) {
                response = try await fetcher.fetch(self.request(url, redirectedFrom: origin), into: nil)
            } catch {
                return .failure(TorrentDownloadFailure(error))
            }
            guard [301, 302, 303, 307, 308].contains(response.status),
                let location = response.header("location")
            else {
                return response.status == 200
                    ? .success(.file(response.body)) : .failure(.status(response.status))
            }
            if location.lowercased().hasPrefix("magnet:") { return .success(.magnet(location)) }
            guard let next = url.redirected(to: location) else {
                return .failure(.notAllowed("it redirects to what is no web address and no magnet link"))
            }
            if url.scheme == .https, next.scheme == .http {
                return .failure(.notAllowed("it redirects from HTTPS to HTTP"))
            }
            origin = response.remoteAddress
            url = next
        }
        return .failure(.notAllowed("it redirects more than \(Self.maximumRedirects) times"))
    }

    private func request(_ url: TrackerURL, redirectedFrom origin: PeerAddress?) -> FetchRequest {
        FetchRequest(
            url: url.text, connectTimeoutSeconds: self.connectTimeoutSeconds,
            timeoutSeconds: self.timeoutSeconds,
            maximumBodyBytes: Self.maximumBytes, trust: self.trust,
            mayReach: { address in Self.mayReach(address, redirectedFrom: origin) })
    }

    static func mayReach(_ address: PeerAddress, redirectedFrom origin: PeerAddress?) -> Bool {
        switch address.effectiveScope {
        case .global: true
        case .loopback, .privateNetwork, .sharedNetwork: origin.map { $0.host == address.host } ?? true
        case .linkLocal, .multicast, .unspecified: false
        }
    }
}

extension TorrentDownloadFailure {
    fileprivate init(_ failure: FetchFailure) {
        self =
            switch failure {
            case .invalidURL: .notAllowed("it makes no address that can be asked")
            case .hostNotFound(let words), .unreachable(let words): .unreachable(words)
            case .connectionRefused: .unreachable("nobody listens on its port")
            case .timedOut(let seconds): .unreachable("no answer within \(Int(seconds)) s")
            case .untrusted(let words): .unreachable("its certificate is not trusted: \(words)")
            case .addressRefused(let address):
                .notAllowed("\(address.host) is not where a web address may lead")
            case .truncated: .damaged("the answer ends too early")
            case .bodyTooLong(let maximum): .tooLong(maximum: maximum)
            case .refusedBySink, .cancelled: .unreachable("the exchange was given up")
            case .other(_, let message): .unreachable(message)
            }
    }
}

extension TorrentDownloadFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let words): "cannot be fetched: \(words)"
        case .status(let status): "the server answers with status \(status)"
        case .notAllowed(let words): words
        case .tooLong(let maximum): "is longer than \(maximum >> 20) MiB, so no torrent"
        case .damaged(let words): words
        }
    }
}
