import EventIO
import Glibc
import StallDiagnosis
import SwarmTypes
import TestKit
import Testing
import TrackerProtocol

@testable import TorrentEngine

@Suite("What diagnosis is told of the session")
struct SessionFactsTests {
    @Test("Descriptors that were short once are no cause any more a minute later")
    func descriptors() async throws {
        let loop = try EventLoop(name: "engine")
        let engine = try TorrentEngine(EngineSettings(), loop: loop)
        try loop.start()
        #expect(await engine.isOutOfDescriptors(after: 0) == true)
        #expect(await engine.isOutOfDescriptors(after: 59) == true)
        #expect(await engine.isOutOfDescriptors(after: 61) == false)
        loop.stop()
        loop.join()
    }

    @Test("A tracker that has answered works also while it is asked again; one that failed still fails")
    func askedAgain() throws {
        var random = SplitMix64(seed: 1)
        func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }
        for fails in [false, true] {
            var schedule = AnnounceSchedule(
                tiers: [["http://one.example/announce"]], isPrivate: false, addedAt: at(0), using: &random)
            let facts = AnnounceFacts(
                torrent: try #require(TorrentID(bytes: [UInt8](repeating: 1, count: 20))),
                peerID: PeerID.own(using: &random), port: 1, key: 1, left: 1)
            schedule.start(at: at(0), isComplete: false)
            let first = try #require(schedule.due(at: at(0), for: facts, using: &random).first)
            #expect(schedule.statuses.map { TrackerSnapshot($0).state } == [.announcing])
            if fails {
                schedule.failed(first.id, .timedOut, at: at(1), using: &random)
            } else {
                schedule.answered(first.id, AnnounceAnswer(interval: 1800), at: at(1), using: &random)
            }
            _ = schedule.due(at: at(4000), for: facts, using: &random)
            guard case .announcing = schedule.statuses.first?.state else { return #expect(Bool(false)) }
            #expect(
                schedule.statuses.map { TrackerSnapshot($0).state } == [
                    fails ? .failing(.timedOut) : .working
                ])
        }
    }
}

extension TorrentEngine {
    fileprivate func isOutOfDescriptors(after seconds: Double) -> Bool {
        self.noteLocalFailure(SystemCallFailure(call: "accept", code: EMFILE))
        self.now = self.now.advanced(bySeconds: seconds)
        return self.sessionFacts.isOutOfDescriptors
    }
}
