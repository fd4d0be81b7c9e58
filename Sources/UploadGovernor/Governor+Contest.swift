import LimitPlanning
import SwarmTypes

/// Another hand on the same client.
extension Governor {
    /// Whether a plan leaves a torrent as it is. What a person asks for, as a rollback, reaches it all the same.
    func isContested(_ key: TorrentKey, _ scope: InputScope) -> Bool {
        guard scope == .governing else { return false }
        return self.contest(of: key.instance)?.holds(key.id) ?? false
    }

    /// The same for a limit that was just read, which tells whether the other hand is still at it.
    func isLeftAlone(_ key: TorrentKey, _ found: UploadLimit) -> Bool {
        let place = Int(key.instance.rawValue)
        guard self.instances.indices.contains(place), self.instances[place].contest.held > 0 else {
            return false
        }
        self.instances[place].contest.saw(key.id, found, at: self.environment.now())
        return self.instances[place].contest.holds(key.id)
    }

    /// Ends what has been quiet.
    func settleContests() {
        let now = self.environment.now()
        for place in self.instances.indices where self.instances[place].isCurrent {
            let freed = self.instances[place].contest.settle(at: now)
            guard freed > 0 else { continue }
            self.environment.report(
                .contestOver(instance: self.instances[place].client.name, torrents: freed))
        }
    }

    /// Takes note of what another hand has set since Weir did.
    func noteOthers(_ readings: [(key: TorrentKey, reading: LimitReading, found: UploadLimit)]) {
        var news: [Int: Int] = [:]
        var taken: Set<Int> = []
        for (key, reading, found) in readings {
            let place = Int(key.instance.rawValue)
            guard self.instances.indices.contains(place) else { continue }
            switch reading {
            case .asExpected, .drift(.readBack): break
            case .handedBack: self.instances[place].takenOver.remove(key.id)
            case .drift(.respected):
                self.instances[place].takenOver.insert(key.id)
                taken.insert(place)
            case .drift(.lost), .drift(.enforced):
                if self.noteChange(of: key.id, to: found, at: place) { news[place, default: 0] += 1 }
            }
        }
        self.tellContests(news)
        for place in taken where self.instances[place].isTakenOver {
            let instance = self.instances[place]
            self.environment.report(
                .takenOver(instance: instance.client.name, torrents: instance.takenOver.count))
        }
    }

    /// A limit that reads back as neither what it was nor what it should be was set by another hand in between.
    func noteOther(_ key: TorrentKey, from: UploadLimit, found: UploadLimit?) {
        let place = Int(key.instance.rawValue)
        guard let found, found != from, self.instances.indices.contains(place),
            self.noteChange(of: key.id, to: found, at: place)
        else { return }
        self.tellContests([place: 1])
    }

    private func noteChange(of id: TorrentID, to found: UploadLimit, at place: Int) -> Bool {
        self.instances[place].contest.changed(
            id, to: found, at: self.environment.now(), pollSeconds: self.configuration.pollSeconds)
    }

    /// As when somebody says that it is over.
    func endContests() {
        for place in self.instances.indices { self.instances[place].contest.clear() }
    }

    private func tellContests(_ news: [Int: Int]) {
        for (place, torrents) in news {
            let instance = self.instances[place]
            self.environment.report(
                .contested(
                    instance: instance.client.name, torrents: torrents, isAll: instance.contest.holdsAll))
        }
    }

    private func contest(of instance: InstanceIndex) -> LimitContest? {
        let place = Int(instance.rawValue)
        return self.instances.indices.contains(place) ? self.instances[place].contest : nil
    }
}

extension InstanceRecord {
    /// Most of the torrents are another's, and they are more than a person changes by hand.
    var isTakenOver: Bool {
        self.takenOver.count >= LimitContest.torrentsForAll && self.takenOver.count * 2 > self.torrents
    }
}
