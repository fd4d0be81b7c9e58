import ChangeJournal
import EventIO
import Glibc
import UploadGovernor
import WeirSettings

/// The qBittorrents of a command that only looks, or changes preferences.
extension OneShot {
    /// Clients for all configured instances. Credentials that are known to be refused are not tried once more:
    /// five failures ban this address, for every program on it.
    func clients() async -> [(settings: InstanceSettings, client: QBittorrentInstance)] {
        let path = self.settings.rollback.databasePath
        if access(path, F_OK) == 0, let journal = try? ChangeJournal(path: path) {
            let refused = refusedInstances(self.settings, journal)
            let keeper = JournalKeeper(journal, loop: self.loop)
            return self.settings.instances.map { instance in
                (
                    instance,
                    QBittorrentInstance(
                        instance, loop: self.loop, fetcher: self.fetcher, keeper: keeper, refused: refused)
                )
            }
        }
        // A running Weir holds the journal, or there is none yet, and nothing to remember by.
        let refused = await self.refusedByDaemon()
        return self.settings.instances.map { instance in
            (
                instance,
                QBittorrentInstance(
                    instance, loop: self.loop, fetcher: self.fetcher,
                    wasRefused: refused.contains(instance.name), credentialsRefused: { _ in })
            )
        }
    }

    private func refusedByDaemon() async -> Set<String> {
        guard case .success(let answer) = await self.daemon("GET", "/metrics"), answer.isSuccess else {
            return []
        }
        let lines = Set(String(decoding: answer.body, as: UTF8.self).split(separator: "\n"))
        let names = self.settings.instances.map(\.name)
        return Set(names.filter { lines.contains("weir_instance_login_blocked{instance=\"\($0)\"} 1") })
    }
}
