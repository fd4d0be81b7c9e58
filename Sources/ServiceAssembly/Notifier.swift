import EventIO
import HTTPFetching
import LogOutput
import NoticePolicy
import SwarmTypes
import WeirSettings

/// Tells people, by a webhook, of what needs them. From any thread; nothing waits for it, and an outage of the receiver
/// costs nothing but the messages that come too late.
final class Notifier: Sendable {
    private struct State {
        var settings: NotificationSettings
        var outbox = NoticeOutbox()
        var foreign = ForeignHandWatch()
        /// Grows with each other receiver: what ends later is not counted for the new one.
        var era = 0
        /// When the loop looks next.
        var wakesAt: Instant?
    }

    private let loop: EventLoop
    private let fetcher: any Fetching
    private let logger: Logger
    private let state: Lock<State>

    init(_ settings: NotificationSettings, loop: EventLoop, fetcher: any Fetching, logger: Logger) {
        self.loop = loop
        self.fetcher = fetcher
        self.logger = logger
        self.state = Lock(State(settings: settings))
    }

    var settings: NotificationSettings { self.state.withLock { $0.settings } }

    /// Follows a change of the configuration. What waits is for the receiver of before, and is dropped with it.
    func use(_ settings: NotificationSettings) {
        self.state.withLock { state in
            guard state.settings != settings else { return }
            if state.settings.url != settings.url {
                state.outbox.clear()
                state.era += 1
            }
            state.settings = settings
        }
    }

    /// Secrets and keys in URLs are left out of the line.
    func note(_ kind: NoticeKind, _ line: @autoclosure () -> String) {
        guard self.state.withLock({ $0.settings.tells(kind) }) else { return }
        let clean = self.logger.cleaned(line())
        let now = monotonicNow()
        self.state.withLock { $0.outbox.add(kind, clean, at: now, secondsSince1970: Int64(wallSeconds())) }
        self.arm()
    }

    /// Somebody else changed a torrent's limit on an instance.
    func noteForeignHand(_ torrent: TorrentID, of instance: String) {
        let now = monotonicNow()
        let count = self.state.withLock { $0.foreign.changed(torrent, of: instance, at: now) }
        guard count != nil else { return }
        self.note(
            .otherGovernor, "\(instance): limits of many torrents are changed there. Is it governed twice?")
    }

    // MARK: - Sending

    private func arm() {
        let now = monotonicNow()
        let seconds = self.state.withLock { state -> Double? in
            guard let deadline = state.outbox.nextDeadline else { return nil }
            if let wakesAt = state.wakesAt, wakesAt <= deadline { return nil }
            state.wakesAt = deadline
            return max(0, deadline.seconds(since: now))
        }
        guard let seconds else { return }
        // A moment later than the deadline, so that it has surely come.
        self.loop.schedule(afterSeconds: seconds + 0.01) { [weak self] in self?.wake() }
    }

    private func wake() {
        let now = monotonicNow()
        let (message, settings, era) = self.state.withLock { state in
            state.wakesAt = nil
            return (state.outbox.next(at: now), state.settings, state.era)
        }
        guard let message else { return self.arm() }
        Task(executorPreference: self.loop) {
            let outcome = await send(message, settings, self.fetcher)
            self.ended(outcome, era)
        }
    }

    private func ended(_ outcome: SendOutcome, _ era: Int) {
        let now = monotonicNow()
        let consequence = self.state.withLock { state in
            state.era == era ? state.outbox.ended(outcome.attempt, at: now) : .done
        }
        switch consequence {
        case .done: break
        case .again(let seconds):
            self.logger.warning(
                "a notification was not taken; it is sent again",
                ["problem": .text(outcome.problem ?? ""), "in_seconds": .number(seconds)])
        case .givenUp(let message):
            self.logger.error(
                "a notification is given up",
                ["problem": .text(outcome.problem ?? ""), "event": .text(message.kind.rawValue)])
        }
        self.arm()
    }
}

/// How an attempt ended, and why not well.
struct SendOutcome: Sendable {
    var attempt: NoticeOutbox.Attempt
    var problem: String?
}

/// Sends one message. Redirects are not followed.
func send(
    _ message: NoticeMessage, _ settings: NotificationSettings, _ fetcher: any Fetching
) async -> SendOutcome {
    guard let url = settings.url else { return SendOutcome(attempt: .refused, problem: "nobody is told") }
    let request = settings.format.request(
        for: message, version: weirVersion, header: settings.secretHeader, secret: settings.secret)
    do throws(FetchFailure) {
        let response = try await fetcher.fetch(
            FetchRequest(
                method: .post, url: url, headers: request.headers.map { ($0.name, $0.value) },
                body: request.body, timeoutSeconds: Double(settings.timeoutSeconds), isRepeatable: false),
            into: nil)
        switch response.status {
        case 200..<300: return SendOutcome(attempt: .taken)
        case 408, 425, 429, 500...:
            return SendOutcome(
                attempt: .failed, problem: "the receiver answered with status \(response.status)")
        case 300..<400:
            return SendOutcome(
                attempt: .refused, problem: "the receiver sends us elsewhere (\(response.status))")
        default:
            return SendOutcome(
                attempt: .refused, problem: "the receiver answered with status \(response.status)")
        }
    } catch {
        if case .invalidURL = error {
            return SendOutcome(attempt: .refused, problem: "its address makes no sense")
        }
        return SendOutcome(attempt: .failed, problem: "\(error)")
    }
}

extension OneShot {
    /// Sends a message to whom the configuration names, once; nil when it was taken.
    public func tryNotification() async -> ServiceFailure? {
        guard self.settings.notifications.url != nil else {
            return .usage("the configuration names nobody to tell: set notifications.url")
        }
        let message = NoticeMessage(
            kind: .test, lines: ["This is a test by `weir notify test`."], count: 1,
            time: Int64(wallSeconds()))
        let outcome = await send(message, self.settings.notifications, self.fetcher)
        guard let problem = outcome.problem else { return nil }
        return outcome.attempt == .refused
            ? .refused("the message was not taken: \(problem)")
            : .unreachable("the message was not taken: \(problem)")
    }
}
