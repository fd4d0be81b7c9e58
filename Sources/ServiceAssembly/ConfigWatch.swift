import EventIO
import Glibc

/// What tells one state of a file from another: its identity, size and time of change.
struct FileStamp: Hashable, Sendable {
    private var device: UInt
    private var inode: UInt
    private var size: Int
    private var seconds: Int
    private var nanoseconds: Int

    /// Nil when there is no such file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.device = UInt(status.st_dev)
        self.inode = UInt(status.st_ino)
        self.size = Int(status.st_size)
        self.seconds = status.st_mtim.tv_sec
        self.nanoseconds = status.st_mtim.tv_nsec
    }
}

/// Calls back when the configuration file was saved. It looks twice a second, which works on every file system
/// and for every way of saving (in place, or a new file moved over the old one).
final class ConfigWatch: Sendable {
    private let loop: EventLoop
    private let path: String
    private let changed: @Sendable () -> Void
    private let state: Lock<(stamp: FileStamp?, isStopped: Bool)>

    init(loop: EventLoop, path: String, changed: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.path = path
        self.changed = changed
        self.state = Lock((FileStamp(path: path), false))
    }

    func start() {
        self.loop.schedule(afterSeconds: 0.5) { [weak self] in self?.look() }
    }

    func stop() { self.state.withLock { $0.isStopped = true } }

    private func look() {
        let stamp = FileStamp(path: self.path)
        let isNew = self.state.withLock { state -> Bool? in
            guard !state.isStopped else { return nil }
            // A file that is missing for a moment is being replaced.
            guard let stamp, stamp != state.stamp else { return false }
            state.stamp = stamp
            return true
        }
        guard let isNew else { return }
        if isNew { self.changed() }
        self.start()
    }
}
