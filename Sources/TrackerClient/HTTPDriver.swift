import EventIO
import HTTPFetching
import SwarmTypes
import TrackerProtocol

/// Asks HTTP trackers, following redirects where they may lead.
struct HTTPDriver: Sendable {
    static let maximumRedirects = 5

    private let fetcher: HTTPFetcher
    private let settings: TrackerClientSettings

    init(loop: EventLoop, settings: TrackerClientSettings) {
        self.fetcher = HTTPFetcher(
            loop: loop, userAgent: settings.userAgent,
            maximumConnectionsPerHost: max(settings.limits.perHost, RequestQueue.Limits.atTheEnd.perHost))
        self.settings = settings
    }

    func close() { self.fetcher.close() }

    /// - Parameter url: the announce URL, or for a scrape the scrape URL.
    func reply(
        to request: TrackerRequest, at url: TrackerURL
    ) async -> Result<TrackerReply, AnnounceFailure> {
        var (url, target) = (url, request.httpURL(at: url))
        var origin: PeerAddress?
        for _ in 0...Self.maximumRedirects {
            let response: FetchResponse
            do throws(FetchFailure) {
                response = try await self.fetch(target, for: request, of: url, redirectedFrom: origin)
            } catch {
                return .failure(AnnounceFailure(error))
            }
            guard [301, 302, 303, 307, 308].contains(response.status),
                let location = response.header("location")
            else { return request.reply(to: response).naming(by: response.remoteAddress) }
            guard let next = url.redirected(to: location) else {
                return .failure(.notAllowed("it redirects to what is no HTTP address"))
            }
            origin = response.remoteAddress
            url = next
            // Most send our parameters back, some only name the new place.
            target = next.query.holds("info_hash=") ? next.text : request.httpURL(at: next)
        }
        return .failure(.notAllowed("it redirects more than \(Self.maximumRedirects) times"))
    }

    private func fetch(
        _ target: String, for request: TrackerRequest, of url: TrackerURL, redirectedFrom origin: PeerAddress?
    ) async throws(FetchFailure) -> FetchResponse {
        var fetch = FetchRequest(
            url: target, connectTimeoutSeconds: self.settings.connectTimeoutSeconds,
            timeoutSeconds: self.settings.timeoutSeconds, maximumBodyBytes: AnnounceAnswer.maximumBytes,
            trust: self.settings.trust)
        if case .announce(let announce) = request {
            fetch.ipVersion =
                switch announce.family {
                case .any: .any
                case .ipv4: .ipv4
                case .ipv6: .ipv6
                }
        }
        fetch.mayReach = { address in
            origin.map { url.mayReach(address, redirectedFrom: $0) } ?? url.mayReach(address)
        }
        return try await self.fetcher.fetch(fetch, into: nil)
    }
}

extension TrackerRequest {
    fileprivate func httpURL(at url: TrackerURL) -> String {
        switch self {
        case .announce(let announce): announce.httpURL(for: url)
        case .scrape(let torrents): url.httpScrapeURL(of: torrents)
        }
    }

    /// A refusal may come with any status.
    fileprivate func reply(to response: FetchResponse) -> Result<TrackerReply, AnnounceFailure> {
        do throws(AnnounceFailure) {
            switch self {
            case .announce: return .success(.announced(try AnnounceAnswer(httpBody: response.body[...])))
            case .scrape(let torrents):
                return .success(.scraped(try ScrapeAnswer(httpBody: response.body[...], for: torrents)))
            }
        } catch {
            if case .badAnswer = error, response.status != 200 {
                return .failure(.httpStatus(response.status))
            }
            return .failure(error)
        }
    }
}

extension Result<TrackerReply, AnnounceFailure> {
    /// Without the peers that a tracker at that address may not name.
    func naming(by tracker: PeerAddress?) -> Self {
        guard let tracker, case .success(.announced(var answer)) = self else { return self }
        answer.peers.removeAll { !tracker.mayName($0) }
        return .success(.announced(answer))
    }
}

extension AnnounceFailure {
    fileprivate init(_ failure: FetchFailure) {
        self =
            switch failure {
            case .invalidURL: .notAllowed("it makes no URL that can be asked")
            case .hostNotFound(let words), .unreachable(let words): .unreachable(words)
            case .connectionRefused: .unreachable("nobody listens on its port")
            case .timedOut: .timedOut
            case .untrusted(let words): .unreachable("its certificate is not trusted: \(words)")
            case .addressRefused(let address): .notAllowed("\(address.host) is not to be talked to")
            case .truncated: .badAnswer("it ends too early")
            case .bodyTooLong(let maximum): .badAnswer("it is longer than \(maximum) bytes")
            case .refusedBySink: .badAnswer("it was not taken")
            case .cancelled: .cancelled
            case .other(let code, let message): .badAnswer("\(message) (\(code))")
            }
    }
}
