import AccessControl
import ChangeJournal
import ControlAPI
import EventIO
import Glibc
import HTTPServing
import LimitPlanning
import LogOutput
import QBittorrentFacade
import TorrentCatalog
public import WeirSettings

/// `weir serve`: starts everything, runs until a signal, and stops in the reverse order.
public enum WeirService {
    /// The limits are left as the stop policy says within this time, or not at all.
    private static let leaveSeconds = 20.0
    /// Trackers hear that torrents stop within this time, which is less than service managers wait.
    private static let tellSeconds = 50.0

    /// Blocks the calling thread, which must be the first one, until SIGTERM or SIGINT.
    /// - Parameter source: where the configuration comes from; `loaded` is what it gave.
    public static func run(_ loaded: LoadedSettings, from source: SettingsSource) throws(ServiceFailure) {
        SignalWatch.block()
        MemoryTuning.apply()
        let settings = loaded.settings
        let logger = makeLogger(settings.logging)
        logger.redacting(secrets(of: settings))
        for warning in loaded.warnings { logger.warning("configuration: \(warning)") }
        let journal = try openJournal(settings, logger: logger)
        let service = try RunningService(loaded, source: source, journal: journal, logger: logger)
        let address = try listeningAddress(settings.global.host)
        let control = ControlAdapter(service)
        let live = LiveFeed(
            torrents: service.torrents, control: control, version: weirVersion, now: { wallSeconds() })
        let access: AccessControl
        do throws(AccessFailure) {
            access = try AccessControl(
                path: accessPath(settings.rollback.databasePath), configuredKey: settings.global.apiKey,
                needsSetUpAgain: { tell(setUpToken: $0, logger) })
        } catch {
            throw .journal(error.description)
        }
        defer { access.close() }
        let logged = LoggedAccess(access: access, logger: logger)
        let facade = service.torrents.map {
            QBittorrentFacade(
                directing: $0, access: SharedAccess(access: logged, isBoundToLoopback: isLoopback(address)),
                now: { Int64(wallSeconds()) })
        }
        let handler = SwitchingHandler(
            control, live, facade, service.torrents?.mirror, logged, settings, address: address)
        service.whenReloaded { handler.use($0) }
        let server: HTTPServer
        do throws(HTTPServerFailure) {
            server = try HTTPServer(
                loop: service.io, address: address, port: UInt16(clamping: settings.global.port),
                handler: handler)
        } catch {
            throw .listening("cannot listen on \(settings.global.host):\(settings.global.port): \(error)")
        }
        if let token = access.setUpToken { tell(setUpToken: token, logger) }
        let socket = ServiceSocket(worker: service.worker) { request in
            await WhyDocument.answer(request, torrents: service.torrents, control: control, at: wallSeconds())
        }
        service.io.post {
            socket.open(service.io, folders: controlFolders(source.variables)) {
                logger.warning("`weir why` will not find this service", ["problem": .text($0)])
            }
        }
        let ending = Ending()
        let watch = ConfigWatch(loop: service.io, path: source.path) {
            Task(executorPreference: service.worker) { _ = await service.reload() }
        }
        do throws(SystemCallFailure) {
            let signals = try SignalWatch(loop: service.io) { signal in
                if signal == SIGHUP {
                    ServiceNotification.send(.reloading(at: monotonicNow()))
                    Task(executorPreference: service.worker) {
                        _ = await service.reload()
                        ServiceNotification.send(.ready(service.statusLine))
                    }
                } else if ending.begin() {
                    logger.info("stopping", ["signal": signal == SIGTERM ? "TERM" : "INT"])
                    ServiceNotification.send(.stopping)
                    stop(service, server, watch)
                    live.close()
                } else {
                    // Asked a second time: at once.
                    service.io.stop()
                }
            }
            try service.worker.start()
            begin(service, server, watch, ending)
            keepTicking(live, on: service.worker)
            SituationWatch(
                loop: service.worker, control: control, mirror: service.torrents?.mirror,
                notifier: service.notifier
            ).start()
            service.io.run()
            withExtendedLifetime((signals, socket)) {}
        } catch {
            throw .system(error.description)
        }
        service.close()
        service.worker.stop()
        service.worker.join()
        if let failure = ending.failure { throw failure }
    }

    private static func begin(
        _ service: RunningService, _ server: HTTPServer, _ watch: ConfigWatch, _ ending: Ending
    ) {
        Task(executorPreference: service.worker) {
            do throws(ServiceFailure) {
                try await service.start()
            } catch {
                ending.fail(error)
                service.io.stop()
                return
            }
            watch.start()
            service.logger.info(
                "Weir \(weirVersion) governs",
                [
                    "instances": "\(service.settings.instances.count)",
                    "trackers": "\(service.settings.trackers.count)",
                    "strategy": .text(service.settings.global.strategy.rawValue),
                    "address": "\(service.settings.global.host):\(server.port)",
                    "dry_run": "\(service.settings.global.isDryRun)",
                ])
            ServiceNotification.send(.ready(service.statusLine))
            keepWatchdogQuiet(service.loops)
        }
    }

    private static func stop(_ service: RunningService, _ server: HTTPServer, _ watch: ConfigWatch) {
        watch.stop()
        let areLimitsBack = Lock(false)
        service.io.schedule(afterSeconds: self.leaveSeconds) {
            guard !areLimitsBack.withLock({ $0 }) else { return }
            service.logger.warning("stopping took too long; some limits may be as they were")
            service.io.stop()
        }
        service.io.schedule(afterSeconds: self.tellSeconds) {
            service.logger.warning("stopping took too long; some trackers may not know of it")
            service.io.stop()
        }
        Task(executorPreference: service.worker) {
            await service.leave { areLimitsBack.withLock { $0 = true } }
            server.stop()
            // One more turn of the loop, in which the server closes its connections.
            service.io.post { service.io.post { service.io.stop() } }
        }
    }

    /// systemd's watchdog: told three times in its time that every loop turns.
    private static func keepWatchdogQuiet(_ loops: [EventLoop]) {
        guard let seconds = ServiceNotification.watchdogSeconds() else { return }
        keepBeating(loops, everySeconds: seconds / 3) { ServiceNotification.send(.alive) }
    }
}

private func tell(setUpToken token: String, _ logger: Logger) {
    logger.info(
        "nobody can log in yet; whoever has this token can make the first user at the page",
        ["set_up_token": .text(token)])
}

/// Whether the end has begun, and why.
private final class Ending: Sendable {
    private let state = Lock((hasBegun: false, failure: ServiceFailure?.none))

    /// True for the first caller.
    func begin() -> Bool {
        self.state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
    }

    func fail(_ failure: ServiceFailure) { self.state.withLock { $0.failure = failure } }

    var failure: ServiceFailure? { self.state.withLock { $0.failure } }
}

/// Answers with the access policy of the configuration that is in force.
private final class SwitchingHandler: HTTPHandling {
    private struct Current {
        var handler: ControlHandler
        var view: OuterView
    }

    private let control: ControlAdapter
    private let live: LiveFeed
    private let address: String
    private let port: UInt16
    private let current: Lock<Current>
    /// Nil without torrents of our own.
    private let facade: QBittorrentFacade?
    private let torrents: CatalogMirror?
    private let access: LoggedAccess

    init(
        _ control: ControlAdapter, _ live: LiveFeed, _ facade: QBittorrentFacade?, _ torrents: CatalogMirror?,
        _ access: LoggedAccess, _ settings: Settings, address: String
    ) {
        self.control = control
        self.live = live
        self.facade = facade
        self.torrents = torrents
        self.access = access
        self.address = address
        self.port = UInt16(clamping: settings.global.port)
        self.current = Lock(
            Self.current(
                control, live, access, settings, address, UInt16(clamping: settings.global.port)))
    }

    func use(_ settings: Settings) {
        self.access.access.setConfiguredKey(settings.global.apiKey)
        let current = Self.current(self.control, self.live, self.access, settings, self.address, self.port)
        self.current.withLock { $0 = current }
    }

    func maximumBodyBytes(method: String, path: String) -> Int {
        let current = self.current.withLock { $0 }
        let path = current.view.innerPath(path)
        return self.facade(for: path)?.maximumBodyBytes(method: method, path: path)
            ?? current.handler.maximumBodyBytes(method: method, path: path)
    }

    func earlyRefusal(of head: HTTPRequest) -> HTTPResponse? {
        let current = self.current.withLock { $0 }
        guard case .request(let request) = current.view.outcome(of: head) else { return nil }
        guard let facade = self.facade(for: request.path), current.handler.knowsHost(request) else {
            return current.handler.earlyRefusal(of: request)
        }
        return facade.earlyRefusal(of: request)
    }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        let current = self.current.withLock { $0 }
        switch current.view.outcome(of: request) {
        case .redirect(let path):
            return .now(
                HTTPResponse(status: 308, headers: [("location", path), ("cache-control", "no-store")]))
        case .request(let request): return self.answer(request, current.handler)
        }
    }

    private func answer(_ request: HTTPRequest, _ handler: ControlHandler) -> HTTPAnswer {
        guard let facade = self.facade(for: request.path), handler.knowsHost(request) else {
            return handler.answer(request)
        }
        // An empty list would tell a client that all its torrents are gone.
        guard self.torrents?.hasBegun ?? true else { return .now(HTTPResponse(status: 503)) }
        return facade.answer(request)
    }

    private func facade(for path: String) -> QBittorrentFacade? {
        path.hasPrefix(QBittorrentFacade.pathPrefix) ? self.facade : nil
    }

    /// The socket stays where it is until a restart; key and names follow the configuration.
    private static func current(
        _ control: ControlAdapter, _ live: LiveFeed, _ access: LoggedAccess, _ settings: Settings,
        _ address: String, _ port: UInt16
    ) -> Current {
        let handler = ControlHandler(
            control: control,
            policy: AccessPolicy(
                isBoundToLoopback: isLoopback(address), boundAddress: address, listeningPort: port,
                apiKey: settings.global.apiKey, allowedHosts: settings.global.allowedHosts, access: access,
                // Torrents are nobody's business who comes from elsewhere.
                guests: isLoopback(address) ? .everything : settings.runsEngine ? .nothing : .reading),
            version: weirVersion, live: live, files: dashboardFiles, now: { wallSeconds() })
        let server = settings.server
        return Current(
            handler: handler,
            view: OuterView(basePath: server.basePath, trusted: server.trustedNetworks))
    }
}

func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

/// The literal address that a configured host name stands for.
func listeningAddress(_ host: String) throws(ServiceFailure) -> String {
    if host == "localhost" { return "127.0.0.1" }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard code == 0, let first = found?.pointee, let address = first.ai_addr else {
        throw .listening("no address is known for the host \(host): \(String(cString: gai_strerror(code)))")
    }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(address, first.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
    else {
        throw .listening("no address is known for the host \(host)")
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Opens the journal, and takes over what a Qguardarr that lived in the same file had recorded.
func openJournal(_ settings: Settings, logger: Logger) throws(ServiceFailure) -> sending ChangeJournal {
    do throws(JournalFailure) {
        let journal = try ChangeJournal(path: settings.rollback.databasePath)
        if let first = settings.instances.first,
            let report = try journal.adoptQguardarr(asInstance: first.name, at: WallTime(wallSeconds()))
        {
            logger.info(
                "took over the original limits that Qguardarr had recorded",
                [
                    "torrents": "\(report.adopted)", "unreadable": "\(report.skipped)",
                ])
        }
        return journal
    } catch {
        throw .journal(error.description)
    }
}

extension WallTime {
    init(_ secondsSince1970: Double) {
        self.init(millisecondsSince1970: Int64(secondsSince1970 * 1000))
    }
}
