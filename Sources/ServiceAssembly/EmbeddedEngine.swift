import EventIO
import Glibc
import HTTPFetching
import LogOutput
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentLibrary
import TorrentStorage
import TrackerClient
import WeirSettings

/// Weir's own torrents, on a thread of their own.
final class EmbeddedEngine: Sendable {
    let loop: EventLoop
    let library: TorrentLibrary
    private let fetcher: HTTPFetcher

    /// What surfaces ask.
    var torrents: any TorrentDirecting { self.library }

    init(
        _ settings: Settings, source: SettingsSource, logger: Logger, notifier: Notifier
    ) throws(ServiceFailure) {
        let variables = source.variables
        var preferences = LibraryPreferences(directory: downloadDirectory(settings, variables))
        preferences.listeningPort = UInt16(clamping: settings.engine.port ?? 0)
        let path = stateDirectory(settings, variables) + "/library.db"
        let keeper: ResumeKeeper
        do throws(ResumeFailure) {
            keeper = try ResumeKeeper(path: path)
        } catch {
            throw .journal("\(error)")
        }
        do {
            self.loop = try EventLoop(name: "engine")
            let agent = "Weir/\(weirVersion)"
            self.fetcher = HTTPFetcher(loop: self.loop, userAgent: agent)
            var engine = EngineSettings()
            let port = preferences.listeningPort
            engine.listenAddresses = [
                PeerAddress(ipv4: 0, port: port), PeerAddress(high: 0, low: 0, port: port),
            ]
            engine.userAgent = agent
            engine.clientText = "Weir \(weirVersion)"
            var environment = LibraryEnvironment(
                secondsSince1970: { Int64(wallSeconds()) }, localTime: { localTime() },
                fetcher: self.fetcher, freeSpace: { freeBytes(at: $0) },
                report: { report in
                    log(report, to: logger)
                    notifier.note(report)
                })
            environment.download = TorrentDownload(userAgent: agent)
            self.library = try TorrentLibrary(
                engine, preferences: preferences, record: keeper,
                environment: environment, loop: self.loop)
        } catch {
            throw .system(error.description)
        }
    }

    /// Begins its thread; nothing moves before `start`.
    func launch() throws(ServiceFailure) {
        do {
            try self.loop.start()
        } catch {
            throw .system(error.description)
        }
    }

    /// Begins to run; the torrents of before are there when it returns.
    func start() async throws(ServiceFailure) {
        let failure = await withCheckedContinuation { (done: CheckedContinuation<ResumeFailure?, Never>) in
            self.loop.post { self.library.assumeIsolated { $0.start { done.resume(returning: $0) } } }
        }
        if let failure { throw .journal("\(failure)") }
    }

    /// Writes what is left and tells the trackers; in bounded time.
    ///
    /// Answers how many farewells trackers have been told in this run, and how many not.
    func stop() async -> (told: Int, untold: Int) {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            self.loop.post { self.library.assumeIsolated { $0.stop { done.resume() } } }
        }
        let tally = await self.library.farewellTally
        self.fetcher.close()
        self.loop.stop()
        return tally
    }
}

/// Minutes since midnight, and the day of the week; 0 is Monday.
private func localTime() -> (minute: Int, day: Int) {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    return (Int(parts.tm_hour) * 60 + Int(parts.tm_min), (Int(parts.tm_wday) + 6) % 7)
}

/// Of the disk of a folder, or of the first above it that exists.
private func freeBytes(at path: String) -> Int64? {
    var path = path[...]
    while true {
        var status = statvfs()
        if statvfs(path.isEmpty ? "/" : String(path), &status) == 0 {
            return Int64(
                clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).0)
        }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        path = path[..<slash]
    }
}

private func log(_ report: LibraryReport, to logger: Logger) {
    switch report {
    case .added(let id, let name): logger.info("torrent added", ["id": .text(id), "name": .text(name)])
    case .removed(let id, let name, let withFiles):
        logger.info(
            "torrent removed", ["id": .text(id), "name": .text(name), "with_files": "\(withFiles)"])
    case .finished(let id, let name):
        logger.info("torrent finished", ["id": .text(id), "name": .text(name)])
    case .failed(let id, let name, let words):
        logger.warning(
            "a torrent cannot go on", ["id": .text(id), "name": .text(name), "problem": .text(words)])
    case .watched(let file, let problem):
        if let problem {
            logger.warning(
                "a file of a watched folder was not added", ["file": .text(file), "problem": .text(problem)])
        } else {
            logger.info("added from a watched folder", ["file": .text(file)])
        }
    case .notListening(let words):
        logger.warning("no peer can reach the engine", ["problem": .text(words)])
    case .recordFailed(let words):
        logger.error("the record of torrents cannot be written", ["problem": .text(words)])
    }
}
