import EventIO
import StallDiagnosis
import SwarmCore
public import SwarmTypes
import TrackerClient
import TrackerProtocol

/// Trackers: what each torrent tells them, and the peers they name.
extension TorrentEngine {
    func announceStart(_ torrent: ActiveTorrent) {
        // Also where it has been announced since before its metadata was there.
        if torrent.core.isFinished || torrent.recorded.wasComplete { torrent.schedule.wasComplete() }
        torrent.schedule.start(
            at: self.now, isComplete: torrent.core.isFinished,
            delaySeconds: AnnounceTiming.startDelay(
                of: torrent.core.id, within: torrent.options.startSpreadSeconds))
        self.announceDue(torrent)
    }

    /// The announce URLs of a torrent, in their order; passkeys and all.
    public func announceURLs(of id: TorrentID) -> [String] {
        self.schedule(of: id)?.statuses.map(\.url) ?? []
    }

    /// The URL of the first tracker that has answered and not failed since; nil when there is none.
    public func answeringTracker(of id: TorrentID) -> String? {
        self.schedule(of: id)?.statuses.first { $0.hasAnswered && $0.failure == nil }?.url
    }

    /// Awake or asleep.
    func schedule(of id: TorrentID) -> AnnounceSchedule? {
        self.torrents[id]?.schedule ?? self.dormant.table[id]?.schedule
    }

    func announceCompleted(_ torrent: ActiveTorrent) {
        if torrent.core.isComplete { torrent.schedule.completed(at: self.now) }
        self.announceDue(torrent)
    }

    /// Sends what is due, and comes back when the next is.
    func announceDue(_ torrent: ActiveTorrent) {
        let orders = torrent.schedule.due(at: self.now, for: self.facts(of: torrent), using: &self.random)
        let id = torrent.core.id
        for order in orders {
            let ticket = self.trackers.announce(order) { [weak self] result in
                self?.assumeIsolated { $0.announced(order.id, result, id) }
            }
            torrent.tickets[order.id] = ticket
        }
        if let timer = torrent.announceTimer { self.loop.cancel(timer) }
        torrent.announceTimer = torrent.schedule.nextDeadline.map { deadline in
            // Never in a loop without a pause, whatever the schedule says.
            self.loop.schedule(at: max(deadline, self.now.advanced(bySeconds: 0.05))) { [weak self] in
                self?.assumeIsolated { engine in
                    engine.now = engine.loop.now
                    guard let torrent = engine.torrents[id] else { return }
                    engine.announceDue(torrent)
                }
            }
        }
    }

    func announced(
        _ order: AnnounceOrder.ID, _ result: Result<AnnounceAnswer, AnnounceFailure>, _ id: TorrentID
    ) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else { return self.dormantAnnounced(order, result, id) }
        torrent.tickets[order] = nil
        switch result {
        case .success(let answer):
            torrent.schedule.answered(order, answer, at: self.now, using: &self.random)
            for address in answer.peers { self.heardOf(address, .tracker, torrent) }
            self.dialCandidates(of: torrent)
        case .failure(let failure):
            torrent.schedule.failed(order, failure, at: self.now, using: &self.random)
        }
        self.observer?(.announced(id))
        self.announceDue(torrent)
    }

    func facts(of torrent: ActiveTorrent) -> AnnounceFacts {
        let core = torrent.core
        return AnnounceFacts(
            torrent: core.id, peerID: core.ownID, port: self.announcedPort ?? 0, key: torrent.announceKey,
            totals: core.totals.transferred,
            // One that has slept is complete; how much of it is still right is not known before it is awake.
            left: core.geometry != nil
                ? UInt64(clamping: core.left) : torrent.recorded.isCarried ? 0 : nil,
            wantsPeers: torrent.isRunning && !(core.isFinished && core.peerCount > 0 && core.isComplete),
            isPartialSeed: core.isFinished && !core.isComplete)
    }
}
