public import SwarmTypes

/// What became of one attempt to connect, made as a test.
public enum DialResult: Hashable, Sendable {
    case notTried, connected, refused, timedOut, unreachable
}

public enum PortMapping: Hashable, Sendable {
    case off
    /// No router answered (UPnP, NAT-PMP, PCP).
    case unavailable
    case failed(String)
    case mapped(external: PeerAddress, leaseSeconds: Double)
}

extension PortMapping {
    /// For a verdict about the port; nil when no router was asked.
    var fact: Fact? {
        switch self {
        case .off: nil
        case .unavailable: Fact("port_mapping", .text("unavailable"), "no router answers")
        case .failed(let words): Fact.quoted("port_mapping", words, "the router says")
        case .mapped(let external, _):
            Fact("port_mapping", .text("\(external)"), "the router has port \(external.port) open")
        }
    }
}

public enum NameResolution: Hashable, Sendable {
    case notTested
    case works(seconds: Double)
    case fails(String)
}

public struct FolderFacts: Hashable, Sendable {
    public var path: String
    public var state: DiskState
    public var freeBytes: Int64
    /// By what is still to be fetched into it.
    public var neededBytes: Int64
    /// Whether what was never written takes no room.
    public var isSparse = true

    public init(path: String, state: DiskState, freeBytes: Int64, neededBytes: Int64) {
        self.path = path
        self.state = state
        self.freeBytes = freeBytes
        self.neededBytes = neededBytes
    }
}

/// What `weir doctor` has tested, at one instant.
public struct ConnectabilityFacts: Hashable, Sendable {
    public var listening = Listening.off
    /// The last time a stranger came in, by address family; nil for never.
    public var lastIncomingIPv4: Instant?
    public var lastIncomingIPv6: Instant?
    /// This machine's own address towards the world, nil without one.
    public var localIPv4: PeerAddress?
    public var localIPv6: PeerAddress?
    /// Whether the lack of an own address is known to be the lack of a route.
    public var areRoutesTested = false
    public var mapping = PortMapping.off
    /// Our address as trackers report it (BEP 24).
    public var addressSeenByTracker: PeerAddress?
    /// To our own external address, and by a helper outside.
    public var selfDial = DialResult.notTried
    public var reflector = DialResult.notTried

    public var outgoingAttempts = 0
    public var outgoingHandshakes = 0
    public var names = NameResolution.notTested
    public var trackers: [TrackerSnapshot] = []
    public var descriptorsUsed = 0
    public var descriptorLimit = 0
    /// What the connections, files and listeners of the settings may take.
    public var descriptorsWanted = 0
    public var folders: [FolderFacts] = []
    /// When listening began.
    public var since: Instant
    public var now: Instant

    public init(since: Instant, now: Instant) {
        self.since = since
        self.now = now
    }
}

/// One test of `weir doctor` and what it found.
public struct DoctorFinding: Hashable, Sendable {
    public let code: DoctorCode
    public let evidence: [Fact]

    public var severity: Severity { self.code.severity }

    /// "port_closed [problem]: A test from outside could not connect. (port 6881)"
    public var line: String {
        let facts = self.evidence.map(\.phrase).joined(separator: "; ")
        let tail = facts.isEmpty ? "" : " (\(facts))"
        return "\(self.code.code) [\(self.severity.code)]: \(self.code.meaning)\(tail)"
    }

    public var tree: ReportValue {
        .record([
            "code": .text(self.code.code), "severity": .text(self.severity.code),
            "meaning": .text(self.code.meaning), "evidence": .list(self.evidence.map(\.tree)),
            "remedy": .text(self.code.remedy),
        ])
    }
}
