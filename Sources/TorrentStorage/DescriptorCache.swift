import CLinuxIO
import EventIO
import Glibc

/// An open file or directory, closed when the last reference goes.
final class Descriptor: Sendable {
    let number: Int32
    let isWritable: Bool
    /// Whether reading waits for no disk, so that the loop may do it.
    let isInMemory: Bool
    /// Nil until the file system was asked whether it can tell what is cached.
    private let tellsCached = Lock<Bool?>(nil)

    init(_ number: Int32, isWritable: Bool, isInMemory: Bool = false) {
        self.number = number
        self.isWritable = isWritable
        self.isInMemory = isInMemory
    }

    deinit { close(self.number) }

    /// Reads what needs no disk; false when that is not all, or cannot be known.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        guard !buffer.isEmpty else { return true }
        if self.isInMemory {
            return pread(self.number, buffer.baseAddress, buffer.count, off_t(offset)) == buffer.count
        }
        guard self.tellsCached.withLock({ $0 }) != false else { return false }
        let count = weir_pread_cached(self.number, buffer.baseAddress, buffer.count, off_t(offset))
        if count < 0, errno == EOPNOTSUPP || errno == ENOSYS { self.tellsCached.withLock { $0 = false } }
        return count == buffer.count
    }
}

/// The open files of all torrents, at most so many; those that were used least recently go first.
///
/// From any thread. A descriptor in use stays open beyond its eviction, at most one for each disk thread.
public final class DescriptorCache: Sendable {
    struct Key: Hashable {
        var owner: UInt64
        /// `root` and `parts` are no files of the torrent.
        var file: Int32

        static let root: Int32 = -1
        static let parts: Int32 = -2
    }

    fileprivate struct Entry {
        var descriptor: Descriptor
        var lastUse: UInt64
    }

    fileprivate struct State {
        var entries: [Key: Entry] = [:]
        var clock: UInt64 = 0
    }

    public let limit: Int
    private let state = Lock(State())

    public init(limit: Int = 256) { self.limit = max(4, limit) }

    public var count: Int { self.state.withLock { $0.entries.count } }

    func find(_ key: Key) -> Descriptor? {
        self.state.withLock { state in
            guard let place = state.entries.index(forKey: key) else { return nil }
            state.clock += 1
            state.entries.values[place].lastUse = state.clock
            return state.entries.values[place].descriptor
        }
    }

    func insert(_ descriptor: Descriptor, for key: Key) {
        // Closed outside the lock.
        var closing: [Descriptor] = []
        self.state.withLock { state in
            state.clock += 1
            if let old = state.entries.updateValue(
                Entry(descriptor: descriptor, lastUse: state.clock), forKey: key)
            {
                closing.append(old.descriptor)
            }
            // Several at once, so that not every newcomer has all of them looked at.
            if state.entries.count > self.limit {
                closing += state.evictOldest(state.entries.count - self.limit + self.limit / 8)
            }
        }
    }

    /// Closes half of what is open, for when the system has no descriptor left. False when nothing was.
    func shrink() -> Bool {
        let closing = self.state.withLock { $0.evictOldest(($0.entries.count + 1) / 2) }
        return !closing.isEmpty
    }

    func remove(_ key: Key) {
        // Closed outside the lock.
        _ = self.state.withLock { $0.entries.removeValue(forKey: key)?.descriptor }
    }

    func removeAll(of owner: UInt64) {
        var closing: [Descriptor] = []
        self.state.withLock { state in
            for key in state.entries.keys where key.owner == owner {
                if let entry = state.entries.removeValue(forKey: key) { closing.append(entry.descriptor) }
            }
        }
    }
}

extension DescriptorCache.State {
    fileprivate mutating func evictOldest(_ count: Int) -> [Descriptor] {
        let uses = self.entries.values.map(\.lastUse).sorted()
        guard count > 0, let last = uses.prefix(count).last else { return [] }
        var evicted: [Descriptor] = []
        for (key, entry) in self.entries where entry.lastUse <= last {
            self.entries[key] = nil
            evicted.append(entry.descriptor)
        }
        return evicted
    }
}
