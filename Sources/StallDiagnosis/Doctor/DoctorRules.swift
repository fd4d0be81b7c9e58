import SwarmTypes

/// One finding for each test, and one for each folder; the worst first.
public func diagnose(_ facts: ConnectabilityFacts) -> [DoctorFinding] {
    let found =
        [
            facts.port(), facts.routes(), facts.mappingFinding(), facts.ipv6(), facts.outbound(),
            facts.nameFinding(),
        ]
        + [facts.trackerFinding(), facts.descriptors()] + facts.folders.map(folder)
    // A stable order: by severity, then as listed.
    return Severity.allCases.reversed().flatMap { severity in found.filter { $0.severity == severity } }
}

private enum DoctorBounds {
    /// A port that nobody reached for this long while we dialled others is closed, most likely.
    static let unreached = 1800.0
    static let attempts = 10
    static let shortLease = 600.0
    static let slowNames = 2.0
}

extension ConnectabilityFacts {
    private var lastIncoming: Instant? {
        switch (self.lastIncomingIPv4, self.lastIncomingIPv6) {
        case (let first?, let second?): max(first, second)
        case (let first, let second): first ?? second
        }
    }

    fileprivate func port() -> DoctorFinding {
        let port: UInt16
        switch self.listening {
        case .off: return DoctorFinding(code: .portOff, evidence: [])
        case .portInUse(let taken):
            return DoctorFinding(code: .portInUse, evidence: [.count("port", Int(taken), "port \(taken)")])
        case .failed(let words):
            return DoctorFinding(code: .portFailed, evidence: [.quoted("error", words, "the error")])
        case .open(let open): port = open
        }
        let fact = Fact.count("port", Int(port), "port \(port)")
        if let last = self.lastIncoming {
            return DoctorFinding(
                code: .portReached,
                evidence: [fact, .ago("last_incoming_age", last, at: self.now, "somebody came in")])
        }
        switch self.reflector {
        case .connected:
            return DoctorFinding(
                code: .portReached,
                evidence: [fact, Fact("reflector", .flag(true), "the test from outside connected")])
        case .refused, .timedOut, .unreachable:
            return DoctorFinding(
                code: .portClosed,
                evidence: [fact, Fact("reflector", .flag(false), "the test from outside failed")])
        case .notTried: break
        }
        // A router need not turn a call to its own address around, so only success tells something.
        if self.selfDial == .connected {
            return DoctorFinding(
                code: .portReached,
                evidence: [fact, Fact("self_dial", .flag(true), "our own address answers")])
        }
        let age = self.since.age(at: self.now)
        let isLate = age >= DoctorBounds.unreached && self.outgoingHandshakes > 0
        return DoctorFinding(
            code: isLate ? .portNeverReached : .portUntested,
            evidence: [fact, Fact("listening_for", .seconds(age), "listening for \(spelledDuration(age))")])
    }

    fileprivate func routes() -> DoctorFinding {
        guard self.areRoutesTested else { return DoctorFinding(code: .routesUntested, evidence: []) }
        let addresses = [("local_ipv4", self.localIPv4), ("local_ipv6", self.localIPv6)]
        let facts = addresses.compactMap { name, address in
            address.map { Fact(name, .text($0.host), "from \($0.host)") }
        }
        let code: DoctorCode =
            switch (self.localIPv4, self.localIPv6) {
            case (_?, _?): .routesBoth
            case (_?, nil): .routesOnlyIPv4
            case (nil, _?): .routesOnlyIPv6
            case (nil, nil): .routesNone
            }
        return DoctorFinding(code: code, evidence: facts)
    }

    fileprivate func mappingFinding() -> DoctorFinding {
        switch self.mapping {
        case .mapped(let external, let lease): return self.mapped(external, lease)
        case .failed(let words):
            let facts = [Fact.quoted("error", words, "the error")]
            return DoctorFinding(
                code: self.needsMapping ? .mappingFailed : .mappingNotNeeded, evidence: facts)
        case .unavailable:
            return DoctorFinding(
                code: self.needsMapping ? .mappingUnavailable : .mappingNotNeeded, evidence: [])
        case .off:
            return DoctorFinding(code: self.needsMapping ? .mappingMissing : .mappingNotNeeded, evidence: [])
        }
    }

    private var needsMapping: Bool {
        guard self.lastIncomingIPv4 == nil, self.reflector != .connected, let local = self.localIPv4 else {
            return false
        }
        return local.scope != .global
    }

    private func mapped(_ external: PeerAddress, _ lease: Double) -> DoctorFinding {
        let fact = Fact("external_address", .text(external.host), "the router's address is \(external.host)")
        guard external.scope == .global else {
            return DoctorFinding(code: .mappingDoubleNAT, evidence: [fact])
        }
        if let seen = self.addressSeenByTracker, seen.ipv4 != nil, external.ipv4 != nil,
            seen.host != external.host
        {
            return DoctorFinding(
                code: .mappingOtherAddress,
                evidence: [fact, Fact("seen_address", .text(seen.host), "trackers see \(seen.host)")])
        }
        let left = Fact("lease_seconds", .seconds(lease), "for \(spelledDuration(lease))")
        // Zero is "for ever" (UPnP).
        return DoctorFinding(
            code: lease > 0 && lease < DoctorBounds.shortLease ? .mappingShort : .mappingWorks,
            evidence: [fact, left])
    }

    fileprivate func ipv6() -> DoctorFinding {
        if let last = self.lastIncomingIPv6 {
            return DoctorFinding(
                code: .ipv6Reached,
                evidence: [.ago("last_incoming_age", last, at: self.now, "somebody came in")])
        }
        guard let local = self.localIPv6, local.scope == .global else {
            return DoctorFinding(code: .ipv6Absent, evidence: [])
        }
        return DoctorFinding(
            code: .ipv6Unproven,
            evidence: [Fact("local_address", .text(local.host), "our address is \(local.host)")])
    }

    fileprivate func outbound() -> DoctorFinding {
        let facts = [
            Fact.count("attempts", self.outgoingAttempts, counted(self.outgoingAttempts, "attempt")),
            .count("handshakes", self.outgoingHandshakes, counted(self.outgoingHandshakes, "handshake")),
        ]
        if self.outgoingHandshakes > 0 { return DoctorFinding(code: .outboundWorks, evidence: facts) }
        return DoctorFinding(
            code: self.outgoingAttempts >= DoctorBounds.attempts ? .outboundFails : .outboundUntested,
            evidence: facts)
    }

    fileprivate func nameFinding() -> DoctorFinding {
        switch self.names {
        case .notTested: return DoctorFinding(code: .namesUntested, evidence: [])
        case .fails(let words):
            return DoctorFinding(code: .namesFail, evidence: [.quoted("error", words, "the error")])
        case .works(let seconds):
            return DoctorFinding(
                code: seconds >= DoctorBounds.slowNames ? .namesSlow : .namesWork,
                evidence: [Fact("seconds", .seconds(seconds), "took \(oneDecimal(seconds)) s")])
        }
    }

    fileprivate func trackerFinding() -> DoctorFinding {
        let working = self.trackers.count { $0.state == .working }
        let failing = self.trackers.filter { $0.verdictCode != nil }
        let asked = working + failing.count
        let facts =
            [Fact.count("trackers_working", working, "\(working) of \(counted(asked, "tracker")) work")]
            + failing.prefix(3).map { tracker in
                Fact("tracker", .text(tracker.url), tracker.line(at: self.now))
            }
        switch (working, failing.count) {
        case (0, 0): return DoctorFinding(code: .trackersUntested, evidence: [])
        case (0, _): return DoctorFinding(code: .trackersFail, evidence: facts)
        case (_, 0): return DoctorFinding(code: .trackersReached, evidence: facts)
        default: return DoctorFinding(code: .trackersPartly, evidence: facts)
        }
    }

    fileprivate func descriptors() -> DoctorFinding {
        let (used, limit, wanted) = (self.descriptorsUsed, self.descriptorLimit, self.descriptorsWanted)
        let facts = [
            Fact.count("descriptors_used", used, "\(used) of \(limit) in use"),
            .count("descriptors_wanted", wanted, "\(wanted) may be needed"),
        ]
        let isNearlyGone = Double(used) >= 0.95 * Double(limit)
        return DoctorFinding(
            code: isNearlyGone ? .descriptorsGone : wanted > limit ? .descriptorsFew : .descriptorsEnough,
            evidence: facts)
    }
}

private func folder(_ folder: FolderFacts) -> DoctorFinding {
    let path = Fact("path", .text(folder.path), visibleText(folder.path))
    let room = [
        Fact("free_bytes", .bytes(folder.freeBytes), "\(spelledBytes(folder.freeBytes)) free"),
        Fact("needed_bytes", .bytes(folder.neededBytes), "\(spelledBytes(folder.neededBytes)) to come"),
    ]
    switch folder.state {
    case .fine, .overloaded:
        return DoctorFinding(
            code: folder.freeBytes < folder.neededBytes
                ? .folderTooSmall : folder.isSparse ? .folderFine : .folderNotSparse,
            evidence: [path] + room)
    case .full: return DoctorFinding(code: .folderFull, evidence: [path] + room)
    case .readOnly: return DoctorFinding(code: .folderReadOnly, evidence: [path])
    case .filesMissing, .filesChanged: return DoctorFinding(code: .folderFailing, evidence: [path])
    case .failing(let words):
        return DoctorFinding(code: .folderFailing, evidence: [path, .quoted("error", words, "the error")])
    }
}
