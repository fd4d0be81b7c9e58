import CommandLineParsing
import ConfigFile
import PatternMatching
import ServiceAssembly
import SwarmTypes
import TorrentEngine
import WeirSettings

/// Which of the configured trackers' caps each torrent of a session takes its share of.
///
/// The rule is the governor's: where all announce URLs match one tracker, it is that one; otherwise the first URL's until a
/// tracker has answered, and then the one that did.
struct CapChoice {
    /// Torrents whose trackers are looked at again in one call of `follow`.
    private static let followedAtOnce = 100

    private let matcher: TrackerMatcher
    private let trackers: [TrackerSettings]
    /// Torrents whose URLs match several trackers, and which of them is to be looked at next.
    private var ambiguous: [TorrentID] = []
    private var next = 0

    init(_ settings: Settings) throws(ServiceFailure) {
        self.trackers = settings.trackers
        do throws(PatternFailure) {
            self.matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
        } catch {
            throw .configuration(error.description)
        }
    }

    /// One for each tracker of the configuration, by its id.
    var caps: [TrackerCap] {
        self.trackers.map { tracker in
            var cap = TrackerCap(name: tracker.id, upload: tracker.cap)
            cap.weight = tracker.priority
            return cap
        }
    }

    /// The cap of a torrent that is to be added.
    mutating func cap(of source: TorrentSource) -> String? { self.cap(of: source.id, source.announceURLs) }

    /// Puts a torrent below its cap that a session has brought back.
    mutating func assign(_ id: TorrentID, _ engine: isolated TorrentEngine) {
        engine.setCap(self.cap(of: id, engine.announceURLs(of: id)), of: id)
    }

    /// - Parameter urls: of its trackers.
    mutating func cap(of id: TorrentID, _ urls: [String]) -> String? {
        let first = self.name(for: urls.first ?? "")
        if urls.contains(where: { self.name(for: $0) != first }) { self.ambiguous.append(id) }
        return first
    }

    /// Moves torrents below the cap of the tracker that has answered.
    mutating func follow(_ engine: isolated TorrentEngine) {
        for _ in 0..<min(Self.followedAtOnce, self.ambiguous.count) {
            self.next = (self.next + 1) % self.ambiguous.count
            let id = self.ambiguous[self.next]
            if let url = engine.answeringTracker(of: id) { engine.setCap(self.name(for: url), of: id) }
        }
    }

    private func name(for url: String) -> String? {
        guard let place = self.matcher.match(url).index ?? self.trackers.indices.last else { return nil }
        return self.trackers[place].id
    }
}

extension TransferLine {
    /// What the configuration file says of caps; nil where none is named.
    func capChoice() throws(ServiceFailure) -> CapChoice? {
        guard self.invocation.parsed.value("config") != nil else { return nil }
        let loaded = try self.invocation.source.load(needsClients: false)
        for warning in loaded.warnings { self.invocation.output.say(warning.description) }
        return try CapChoice(loaded.settings)
    }
}
