import CLinuxIO
import EventIO
import Glibc

/// An open file or directory, closed when the last reference goes.
final class Descriptor: Sendable {
    /// Who answers when it is opened, read or closed.
    enum Medium: Sendable {
        /// Reading waits for nothing, so that the loop may do it.
        case memory
        /// Of this machine: opening what was looked up before, and closing, wait for nothing.
        case disk
        /// A server, or a program that stands for one.
        case other
    }

    let number: Int32
    let isWritable: Bool
    let medium: Medium
    /// Nil until the file system was asked whether it can tell what is cached.
    private let tellsCached = Lock<Bool?>(nil)

    /// - Parameter medium: Asked of the system when it is not known.
    init(_ number: Int32, isWritable: Bool, medium: Medium? = nil) {
        self.number = number
        self.isWritable = isWritable
        self.medium = medium ?? Self.medium(of: number)
    }

    private static func medium(of number: Int32) -> Medium {
        switch weir_medium(number) {
        case Int32(WEIR_MEDIUM_MEMORY): .memory
        case Int32(WEIR_MEDIUM_DISK): .disk
        default: .other
        }
    }

    deinit { close(self.number) }

    /// Reads what needs no disk; false when that is not all, or cannot be known.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        guard !buffer.isEmpty else { return true }
        if self.medium == .memory {
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
            closing += state.makeRoom(self.limit)
            if let old = state.insert(descriptor, for: key) { closing.append(old) }
        }
    }

    /// The same for the loop: closes nothing that would make it wait. False, and nothing changed, when there is no room
    /// otherwise.
    func insertAtOnce(_ descriptor: Descriptor, for key: Key) -> Bool {
        var closing: [Descriptor] = []
        return self.state.withLock { state in
            guard state.entries[key] == nil else { return false }
            closing += state.makeRoom(self.limit) { $0.medium != .other }
            guard state.entries.count < self.limit else { return false }
            _ = state.insert(descriptor, for: key)
            return true
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
    /// Answers what was there before.
    fileprivate mutating func insert(_ descriptor: Descriptor, for key: DescriptorCache.Key) -> Descriptor? {
        self.clock += 1
        let entry = DescriptorCache.Entry(descriptor: descriptor, lastUse: self.clock)
        return self.entries.updateValue(entry, forKey: key)?.descriptor
    }

    /// Several at once, so that not every newcomer has all of them looked at.
    fileprivate mutating func makeRoom(
        _ limit: Int, where mayGo: (Descriptor) -> Bool = { _ in true }
    ) -> [Descriptor] {
        guard self.entries.count >= limit else { return [] }
        return self.evictOldest(self.entries.count - limit + 1 + limit / 8, where: mayGo)
    }

    fileprivate mutating func evictOldest(
        _ count: Int, where mayGo: (Descriptor) -> Bool = { _ in true }
    ) -> [Descriptor] {
        let uses = self.entries.values.filter { mayGo($0.descriptor) }.map(\.lastUse).sorted()
        guard count > 0, let last = uses.prefix(count).last else { return [] }
        var evicted: [Descriptor] = []
        for (key, entry) in self.entries where entry.lastUse <= last && mayGo(entry.descriptor) {
            self.entries[key] = nil
            evicted.append(entry.descriptor)
        }
        return evicted
    }
}
