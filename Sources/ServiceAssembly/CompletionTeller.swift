import NoticePolicy
import QBittorrentAPI
import SwarmTypes
import UploadGovernor
import WeirSettings

/// Tells of torrents that a client's webhook calls complete, by the name that the client has for them. What no client has
/// is not told: anybody may knock at the webhook.
final class CompletionTeller: Sendable {
    /// Of so many at once the names are asked for.
    private static let maximumTorrents = 50

    private let notifier: Notifier
    private let service = WeakService()

    init(_ notifier: Notifier) { self.notifier = notifier }

    /// Once, before the first webhook is taken.
    func attach(_ service: RunningService) { self.service.service = service }

    func tell(of torrents: [TorrentID]) async {
        guard !torrents.isEmpty, self.notifier.settings.tells(.torrentComplete) else { return }
        var left = Array(torrents.prefix(Self.maximumTorrents))
        for adapter in self.service.service?.adapters() ?? [] where !left.isEmpty {
            guard let found = try? await adapter.details(of: left) else { continue }
            for details in found where details.isComplete {
                self.notifier.note(.torrentComplete, "\(details.name) (\(adapter.name))")
                left.removeAll { $0 == details.id }
            }
        }
    }
}

extension TorrentDetails {
    /// qBittorrent's names for the states of a complete torrent.
    fileprivate var isComplete: Bool {
        self.state == "uploading" || self.state == "moving" || self.state.hasSuffix("UP")
    }
}

/// Not a closure behind a lock. `service` is set once, before the server takes requests; that is the proof of the
/// unchecked promise.
private final class WeakService: @unchecked Sendable {
    weak var service: RunningService?
}
