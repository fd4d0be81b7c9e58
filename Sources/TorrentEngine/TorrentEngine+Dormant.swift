import EventIO
import PeerProtocol
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TrackerClient
import TrackerProtocol

/// Torrents that sleep: added, announced and told `stopped` without their metainfo.
extension TorrentEngine {
    /// Adds a complete torrent that nobody asks for yet. It costs a row of a table until a peer comes.
    ///
    /// What `options` say of peers and of a selection does not apply. Its data is taken as complete; what is not `trusted`, and not
    /// known better from the record, is proved when a peer first asks for it.
    /// - Parameters:
    ///   - uploadedBefore: in earlier sessions, as `downloadedBefore`.
    public func addDormant(
        _ outline: TorrentOutline, _ options: AddOptions, from place: MetainfoPlace,
        uploadedBefore: Int64 = 0, downloadedBefore: Int64 = 0
    ) throws(AddFailure) {
        self.now = self.loop.now
        guard self.torrents[outline.id] == nil, !self.dormant.table.contains(outline.id) else {
            throw .alreadyThere
        }
        self.prepareStorage()
        var schedule = self.dormant.schedule(for: outline, at: self.now, using: &self.random)
        schedule.start(
            at: self.now, isComplete: true,
            delaySeconds: AnnounceTiming.startDelay(of: outline.id, within: options.startSpreadSeconds))
        let (fileName, profile) = self.profile(of: options, place)
        var row = DormantTorrent(
            id: outline.id, ownID: PeerID.own(using: &self.random),
            announceKey: UInt32.random(in: 0 ... .max, using: &self.random), isPrivate: outline.isPrivate,
            name: outline.name, totalLength: outline.totalLength, pieceCount: outline.pieceCount,
            addedAt: self.now, schedule: schedule, place: fileName, profile: profile)
        row.uploadedBefore = uploadedBefore
        row.downloadedBefore = downloadedBefore
        self.dormant.table.insert(row)
        self.obfuscated.insert(outline.id, MessageStreamPrimitives())
        self.trackers.setLimits(.standard(torrents: self.dormantCount + self.awakeCount))
        self.armDormant()
    }

    /// Says how many dormant torrents will come, so that their table grows once.
    public func reserveDormant(_ count: Int) { self.dormant.table.reserve(count) }

    /// Over how many seconds the first announces of a collection are to be spread: so many that ten a second go out, and all
    /// within the usual interval.
    public static func startSpreadSeconds(torrents: Int) -> Double {
        torrents > 50 ? min(1800, Double(torrents) / 10) : 0
    }

    public var dormantCount: Int { self.dormant.table.count }
    /// Torrents that take part in their swarms with all they need for that.
    public var awakeCount: Int { self.torrents.count }

    func profile(of options: AddOptions, _ place: MetainfoPlace) -> (fileName: String, number: Int32) {
        var options = options
        options.peers = []
        options.place = nil
        // Without a record nobody remembers what was proved: each piece is proved when it is next asked for.
        if self.record == nil, !options.isSeedOnly { options.knowledge = .complete }
        switch place {
        case .file(let folder, let name):
            return (name, self.dormant.profiles.join(DormantProfile(options: options, folder: folder)))
        case .session:
            return ("", self.dormant.profiles.join(DormantProfile(options: options, folder: nil)))
        }
    }

    /// Changes what a dormant torrent wakes with, such as its limits and its cap. Answers false when there is none of that id.
    func changeDormant(_ id: TorrentID, _ change: (inout AddOptions) -> Void) -> Bool {
        guard let number = self.dormant.table[id]?.profile, var profile = self.dormant.profiles[number] else {
            return false
        }
        change(&profile.options)
        self.dormant.table.setProfile(self.dormant.profiles.join(profile), of: id)
        self.dormant.profiles.leave(number)
        return true
    }

    /// Not more often, so that many torrents together wake the processor no more than a few.
    private static let servingSeconds = 0.25

    /// Sets the one timer of all dormant torrents.
    func armDormant() {
        if let timer = self.dormant.timer { self.loop.cancel(timer) }
        self.dormant.timer = nil
        guard let deadline = self.dormant.table.nextDeadline else { return }
        let earliest = self.dormant.servedAt?.advanced(bySeconds: Self.servingSeconds) ?? self.now
        self.dormant.timer = self.loop.schedule(at: max(deadline, earliest)) { [weak self] in
            self?.assumeIsolated { $0.serveDormant() }
        }
    }

    /// Announces what is due.
    func serveDormant() {
        self.now = self.loop.now
        self.dormant.servedAt = self.now
        let orders = self.dormant.table.due(
            at: self.now, port: self.announcedPort ?? 0, using: &self.random)
        for due in orders {
            let (id, order) = (due.torrent, due.order)
            let ticket = self.trackers.announce(order) { [weak self] result in
                self?.assumeIsolated { $0.announced(order.id, result, id) }
            }
            self.dormant.tickets[id, default: [:]][order.id] = ticket
        }
        self.armDormant()
    }

    /// What became of an announce of a torrent that sleeps now.
    func dormantAnnounced(
        _ order: AnnounceOrder.ID, _ result: Result<AnnounceAnswer, AnnounceFailure>, _ id: TorrentID
    ) {
        self.dormant.tickets[id]?[order] = nil
        if self.dormant.tickets[id]?.isEmpty == true { self.dormant.tickets[id] = nil }
        guard self.dormant.table.contains(id) else { return }
        self.observer?(.announced(id))
        switch result {
        case .success(let answer):
            let isWanted = self.dormant.table.answered(
                order, answer, of: id, at: self.now, using: &self.random)
            if isWanted, self.torrents.count < Self.mostAwakeForPeers {
                self.wake(id, for: .peers(answer.peers))
            }
        case .failure(let failure):
            self.dormant.table.failed(order, failure, of: id, at: self.now, using: &self.random)
        }
        self.armDormant()
    }

    /// Beyond so many awake torrents, none wakes to look for peers: those who want something come by themselves.
    private static let mostAwakeForPeers = 64

    func stopDormant() {
        for (id, ending) in self.dormant.table.stop(port: self.announcedPort ?? 0) {
            self.bidFarewell(ending, tickets: self.dormant.tickets[id] ?? [:])
        }
        self.dormant.tickets = [:]
        self.dormant.reader?.stop()
        self.armDormant()
    }
}
