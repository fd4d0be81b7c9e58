import EventIO
import HTTPFetching
import JSONValues
import LogOutput
import QBittorrentAPI
import SwarmTypes
import UploadGovernor
import WeirSettings

/// Tells cross-seed of completed torrents, one at a time, with patience of its own: an outage there delays
/// nothing else.
actor CrossSeedForwarder {
    /// At most so many completions wait; then the oldest is given up.
    static let capacity = 1000
    /// After so many failures a completion is given up: 1 + 2 + 4 … + 64 s of pauses.
    static let maximumTries = 8

    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    private let fetcher: any Fetching
    private let logger: Logger
    private var settings: CrossSeedSettings
    private var instances: @Sendable () -> [QBittorrentInstance] = { [] }
    private var waiting: [TorrentID] = []
    private var isRunning = false

    init(_ settings: CrossSeedSettings, loop: EventLoop, fetcher: any Fetching, logger: Logger) {
        self.settings = settings
        self.loop = loop
        self.fetcher = fetcher
        self.logger = logger
    }

    func attach(_ instances: @escaping @Sendable () -> [QBittorrentInstance]) { self.instances = instances }

    func use(_ settings: CrossSeedSettings) { self.settings = settings }

    func completed(_ torrent: TorrentID) {
        guard self.settings.isEnabled, self.settings.url != nil, !self.waiting.contains(torrent) else {
            return
        }
        if self.waiting.count >= Self.capacity {
            let oldest = self.waiting.removeFirst()
            self.logger.warning(
                "too many completions wait for cross-seed; one is given up", ["torrent": .text(oldest.hex)])
        }
        self.waiting.append(torrent)
        guard !self.isRunning else { return }
        self.isRunning = true
        Task(executorPreference: self.loop) { await self.run() }
    }

    private func run() async {
        while !self.waiting.isEmpty {
            await self.forward(self.waiting.removeFirst())
        }
        self.isRunning = false
    }

    private func forward(_ torrent: TorrentID) async {
        for attempt in 0..<Self.maximumTries {
            guard self.settings.isEnabled, let url = self.settings.url else { return }
            let problem: String
            switch await self.send(torrent, to: url) {
            case .taken:
                self.logger.info("told cross-seed of a completion", ["torrent": .text(torrent.hex)])
                return
            case .nobodyHasIt:
                self.logger.debug(
                    "a completion of a torrent that no qBittorrent has is not forwarded",
                    ["torrent": .text(torrent.hex)])
                return
            case .failed(let text): problem = text
            }
            self.logger.warning(
                "cross-seed was not told",
                ["torrent": .text(torrent.hex), "problem": .text(problem), "try": "\(attempt + 1)"])
            do { try await self.loop.sleep(seconds: Double(1 << attempt)) } catch { return }
        }
        self.logger.error("a completion for cross-seed is given up", ["torrent": .text(torrent.hex)])
    }

    private enum Sending {
        case taken
        /// Trying again would not help, and would keep the others waiting.
        case nobodyHasIt
        case failed(String)
    }

    private func send(_ torrent: TorrentID, to url: String) async -> Sending {
        var details: TorrentDetails?
        var isOneMissing = false
        for instance in self.instances() where details == nil {
            do throws(ClientProblem) {
                details = try await instance.details(of: [torrent]).first
            } catch {
                isOneMissing = true
            }
        }
        // Whatever a webhook says: only a torrent that a client really has is passed on.
        guard let details else {
            return isOneMissing
                ? .failed("no qBittorrent that can be reached has this torrent") : .nobodyHasIt
        }
        // The keys that Qguardarr documents.
        var message = JSONWriter()
        message.object { json in
            json.member("infoHash", torrent.hex)
            json.member("name", details.name)
            json.member("category", details.category)
            json.member("tags", details.tags.joined(separator: ","))
            json.member("savePath", details.savePath)
        }
        var headers: [(name: String, value: String)] = [("Content-Type", "application/json")]
        if let key = self.settings.apiKey { headers.append(("X-API-Key", key)) }
        do throws(FetchFailure) {
            let response = try await self.fetcher.fetch(
                FetchRequest(
                    method: .post, url: url, headers: headers, body: message.bytes,
                    timeoutSeconds: Double(self.settings.timeoutSeconds)),
                into: nil)
            return (200..<300).contains(response.status)
                ? .taken : .failed("it answered with status \(response.status)")
        } catch {
            return .failed("\(error)")
        }
    }
}
