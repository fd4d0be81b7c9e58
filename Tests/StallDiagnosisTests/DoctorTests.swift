import StallDiagnosis
import SwarmTypes
import Testing

/// A machine behind a router with everything in order, and one change.
struct DoctorScenario: Sendable, CustomStringConvertible {
    let code: DoctorCode
    let name: String
    let facts: ConnectabilityFacts

    init(_ code: DoctorCode, _ name: String, _ change: (inout ConnectabilityFacts) -> Void = { _ in }) {
        self.code = code
        self.name = name
        var facts = ConnectabilityFacts(since: instant(0), now: instant(3600))
        facts.listening = .open(port: 6881)
        facts.lastIncomingIPv4 = instant(3000)
        facts.localIPv4 = PeerAddress("192.168.1.5:6881")
        facts.mapping = .mapped(external: global4, leaseSeconds: 3600)
        (facts.outgoingAttempts, facts.outgoingHandshakes) = (20, 9)
        facts.names = .works(seconds: 0.1)
        facts.trackers = [tracker(.working)]
        (facts.descriptorsUsed, facts.descriptorLimit, facts.descriptorsWanted) = (100, 1024, 700)
        facts.folders = [FolderFacts(path: "/data", state: .fine, freeBytes: 2000, neededBytes: 1000)]
        change(&facts)
        self.facts = facts
    }

    var description: String { "\(self.code.code): \(self.name)" }
}

private let global4 = PeerAddress(ipv4: 0x0808_0808, port: 6881)
private let other4 = PeerAddress(ipv4: 0x0909_0909, port: 6881)
private let shared4 = PeerAddress(ipv4: 0x6440_0001, port: 6881)

let doctorScenarios: [DoctorScenario] = [
    .init(.portReached, "somebody came in"),
    .init(.portReached, "the reflector connected") {
        ($0.lastIncomingIPv4, $0.reflector) = (nil, .connected)
    },
    .init(.portReached, "our own address answers") { ($0.lastIncomingIPv4, $0.selfDial) = (nil, .connected) },
    .init(.portClosed, "the reflector did not") { ($0.lastIncomingIPv4, $0.reflector) = (nil, .timedOut) },
    .init(.portNeverReached, "an hour and nobody") { $0.lastIncomingIPv4 = nil },
    .init(.portNeverReached, "a router that does not turn calls around proves nothing") {
        ($0.lastIncomingIPv4, $0.selfDial) = (nil, .timedOut)
    },
    .init(.portUntested, "ten minutes") { ($0.lastIncomingIPv4, $0.since) = (nil, instant(3000)) },
    .init(.portUntested, "nobody knows us yet") { ($0.lastIncomingIPv4, $0.outgoingHandshakes) = (nil, 0) },
    .init(.portInUse, "taken") { $0.listening = .portInUse(6881) },
    .init(.portFailed, "forbidden") { $0.listening = .failed("permission denied") },
    .init(.portOff, "not asked for") { $0.listening = .off },
    .init(.routesUntested, "not looked at"),
    .init(.routesBoth, "both") { ($0.areRoutesTested, $0.localIPv6) = (true, address6(1)) },
    .init(.routesOnlyIPv4, "no IPv6") { $0.areRoutesTested = true },
    .init(.routesOnlyIPv6, "no IPv4") {
        ($0.areRoutesTested, $0.localIPv4, $0.localIPv6) = (true, nil, address6(1))
    },
    .init(.routesNone, "neither") { ($0.areRoutesTested, $0.localIPv4) = (true, nil) },
    .init(.mappingWorks, "for an hour"),
    .init(.mappingWorks, "for ever") { $0.mapping = .mapped(external: global4, leaseSeconds: 0) },
    .init(.mappingDoubleNAT, "the provider shares addresses") {
        $0.mapping = .mapped(external: shared4, leaseSeconds: 3600)
    },
    .init(.mappingDoubleNAT, "a second router") {
        if let inner = PeerAddress("10.0.0.2:6881") { $0.mapping = .mapped(external: inner, leaseSeconds: 0) }
    },
    .init(.mappingOtherAddress, "a VPN") { $0.addressSeenByTracker = other4 },
    .init(.mappingShort, "a minute") { $0.mapping = .mapped(external: global4, leaseSeconds: 60) },
    .init(.mappingUnavailable, "nobody answers") { ($0.lastIncomingIPv4, $0.mapping) = (nil, .unavailable) },
    .init(.mappingFailed, "the router says no") { ($0.lastIncomingIPv4, $0.mapping) = (nil, .failed("no")) },
    .init(.mappingMissing, "off behind a router") { ($0.lastIncomingIPv4, $0.mapping) = (nil, .off) },
    .init(.mappingNotNeeded, "a public address") {
        ($0.lastIncomingIPv4, $0.mapping, $0.localIPv4) = (nil, .off, global4)
    },
    .init(.mappingNotNeeded, "reached already") { $0.mapping = .unavailable },
    .init(.ipv6Absent, "none"),
    .init(.ipv6Unproven, "nobody came") { $0.localIPv6 = address6(1) },
    .init(.ipv6Reached, "somebody came") { $0.lastIncomingIPv6 = instant(3500) },
    .init(.outboundWorks, "nine of twenty"),
    .init(.outboundFails, "none of twenty") { $0.outgoingHandshakes = 0 },
    .init(.outboundUntested, "none of nine") { ($0.outgoingAttempts, $0.outgoingHandshakes) = (9, 0) },
    .init(.namesWork, "at once"),
    .init(.namesSlow, "in three seconds") { $0.names = .works(seconds: 3) },
    .init(.namesFail, "not at all") { $0.names = .fails("temporary failure") },
    .init(.namesUntested, "not asked") { $0.names = .notTested },
    .init(.trackersReached, "the only one"),
    .init(.trackersPartly, "one of two") { $0.trackers.append(tracker(.failing(.timedOut))) },
    .init(.trackersFail, "none") { $0.trackers = [tracker(.failing(.saidNo), words: "no\u{7}")] },
    .init(.trackersUntested, "no announce yet") { $0.trackers = [tracker(.announcing)] },
    .init(.descriptorsEnough, "enough"),
    .init(.descriptorsFew, "more may be wanted") { $0.descriptorsWanted = 5000 },
    .init(.descriptorsGone, "nearly used up") { $0.descriptorsUsed = 1000 },
    .init(.folderFine, "room for all"),
    .init(.folderTooSmall, "half of what is to come") { $0.folders[0].freeBytes = 500 },
    .init(.folderNotSparse, "a stick for cameras") { $0.folders[0].isSparse = false },
    .init(.folderFull, "full") { $0.folders[0].state = .full },
    .init(.folderReadOnly, "not ours") { $0.folders[0].state = .readOnly },
    .init(.folderFailing, "broken") { $0.folders[0].state = .failing("input/output error") },
]

@Suite("What the doctor finds")
struct DoctorTests {
    @Test("Each finding is named, once", arguments: doctorScenarios)
    func naming(scenario: DoctorScenario) {
        let found = diagnose(scenario.facts)
        #expect(found.count { $0.code == scenario.code } == 1)
        #expect(found.count == 8 + scenario.facts.folders.count)
        #expect(found.map(\.severity) == found.map(\.severity).sorted(by: >))
        for finding in found {
            #expect(finding.line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
            #expect(finding.tree["code"] == .text(finding.code.code))
        }
    }

    @Test("A machine in order has no problem")
    func health() {
        let found = diagnose(DoctorScenario(.portReached, "in order").facts)
        #expect(found.allSatisfy { $0.severity == .expected })
        #expect(
            found[0].line
                == "port_reached [expected]: Strangers reach the listening port. "
                + "(port 6881; somebody came in 10 min ago)")
    }

    @Test("Every finding has a scenario, a meaning, and a remedy where one is needed")
    func completeness() {
        #expect(Set(DoctorCode.allCases) == Set(doctorScenarios.map(\.code)))
        for code in DoctorCode.allCases {
            #expect(code.meaning.hasSuffix(".") && code.remedy?.hasSuffix(".") ?? true)
            #expect((code.severity == .expected) == (code.remedy == nil), "\(code.code)")
        }
    }
}
