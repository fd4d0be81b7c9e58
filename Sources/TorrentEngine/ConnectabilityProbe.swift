public import EventIO
import Glibc
import PortMapping
public import StallDiagnosis
import SwarmTypes
import TrackerClient
import TrackerProtocol

/// Gathers what `weir doctor` judges, by trying it: opens the port, asks the routing table, looks names up, knocks at
/// trackers, and writes a file that is gone at once.
///
/// Trackers are only knocked at: nothing is announced, and no passkey leaves this machine.
public struct ConnectabilityProbe: Sendable {
    /// Announce URLs.
    public var trackers: [String] = []
    public var directory = "."
    /// By what is still to be fetched into the folder.
    public var neededBytes: Int64 = 0
    public var port: UInt16 = 0
    /// The name that is looked up to test names; IANA keeps this one for examples (RFC 2606).
    public var sampleName = "example.org"

    var router = RouterAccess.system

    static let maximumTrackers = 32
    static let workers = 8
    /// For a look-up and a knock each.
    static let secondsEach = 5.0

    public init() {}

    /// Blocks the calling thread for less than half a minute, whatever name servers and trackers do.
    public func facts() throws(SystemCallFailure) -> ConnectabilityFacts {
        let now = monotonicNow()
        var facts = ConnectabilityFacts(since: now, now: now)
        facts.listening = self.listening()
        facts.areRoutesTested = true
        // Addresses for documentation (RFC 5737, RFC 3849): the routing table is asked, and nothing is sent.
        facts.localIPv4 = ownAddress(towards: PeerAddress(ipv4: 0xC633_6401, port: 9))
        facts.localIPv6 = ownAddress(towards: PeerAddress(high: 0x2001_0DB8 << 32, low: 1, port: 9))
        facts.descriptorsUsed = openDescriptorCount()
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            facts.descriptorLimit = Int(clamping: limit.rlim_cur)
        }
        let settings = EngineSettings()
        facts.descriptorsWanted = settings.maximumConnections + settings.maximumOpenFiles + 64
        facts.folders = [folderFacts(self.directory, neededBytes: self.neededBytes)]
        try self.probeNetwork(&facts)
        facts.now = monotonicNow()
        return facts
    }

    private func listening() -> Listening {
        do throws(SystemCallFailure) {
            let listener = try ListeningSocket(PeerAddress(ipv4: 0, port: self.port))
            let found = listener.address.port
            // The families share one port; a machine without IPv6 has only one of them.
            do throws(SystemCallFailure) {
                _ = try ListeningSocket(PeerAddress(high: 0, low: 0, port: found))
            } catch {
                if error.code == EADDRINUSE, self.port != 0 { return .portInUse(self.port) }
            }
            return .open(port: found)
        } catch {
            return error.code == EADDRINUSE ? .portInUse(self.port) : .failed(error.description)
        }
    }

    /// Names and trackers, on threads of their own, each under a limit in time.
    private func probeNetwork(_ facts: inout ConnectabilityFacts) throws(SystemCallFailure) {
        var urls: [TrackerURL] = []
        for text in self.trackers {
            if let url = try? TrackerURL(text), !urls.contains(url), urls.count < Self.maximumTrackers {
                urls.append(url)
            }
        }
        let board = ProbeBoard(count: urls.count)
        let started = monotonicNow()
        let name = self.sampleName
        let router = self.router
        var jobs: [@Sendable () -> Void] = []
        if case .open(let port) = facts.listening, isBehindRouter() {
            // A try, which is taken back at once.
            jobs.append {
                let outcome = router.map(port, PortMapper.leaseSeconds, nil)
                board.mapped(outcome)
                if case .mapped(let mapping) = outcome { router.remove(mapping) }
            }
        }
        jobs += [
            {
                let outcome = systemLookUp(name)
                board.names(outcome, seconds: monotonicNow().seconds(since: started))
            }
        ]
        for (place, url) in urls.enumerated() {
            jobs.append { board.put(TrackerKnock(url).outcome(), at: place) }
        }
        let rounds = (jobs.count + Self.workers - 1) / Self.workers
        try runBounded(jobs, threads: Self.workers, seconds: min(25, Self.secondsEach * Double(rounds + 1)))
        (facts.names, facts.trackers) = board.results(urls)
        facts.mapping = StallDiagnosis.PortMapping(board.mapping)
    }
}

/// What the workers have found so far.
private final class ProbeBoard: Sendable {
    private struct Found {
        var names: NameResolution?
        /// Of trackers whose name was found.
        var hasFoundName = false
        var trackers: [KnockOutcome?]
        var mapping: MappingOutcome?
    }

    private let found: Lock<Found>

    init(count: Int) { self.found = Lock(Found(trackers: Array(repeating: nil, count: count))) }

    func names(_ outcome: Result<[PeerAddress], NameFailure>, seconds: Double) {
        self.found.withLock { found in
            switch outcome {
            case .success: found.names = .works(seconds: seconds)
            case .failure(let failure): found.names = .fails(failure.words)
            }
        }
    }

    func mapped(_ outcome: MappingOutcome) { self.found.withLock { $0.mapping = outcome } }

    /// Nil as long as the router has not answered.
    var mapping: MappingOutcome? { self.found.withLock { $0.mapping } }

    func put(_ outcome: KnockOutcome, at place: Int) {
        self.found.withLock { found in
            found.trackers[place] = outcome
            if outcome.foundName { found.hasFoundName = true }
        }
    }

    func results(_ urls: [TrackerURL]) -> (names: NameResolution, trackers: [TrackerSnapshot]) {
        self.found.withLock { found in
            var names = found.names ?? .fails("no answer within \(Int(ConnectabilityProbe.secondsEach)) s")
            // A network of its own may have names and no way to others.
            if case .fails = names, found.hasFoundName { names = .works(seconds: 0) }
            let trackers = zip(urls, found.trackers).map { url, outcome in
                let outcome = outcome ?? KnockOutcome(.failing(.timedOut), "", foundName: false)
                var snapshot = TrackerSnapshot(url: url.masked, state: outcome.state)
                snapshot.words = outcome.words
                return snapshot
            }
            return (names, trackers)
        }
    }
}
