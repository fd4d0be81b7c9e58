import CLinuxIO
import EventIO
import Glibc
import SwarmTypes
import Synchronization

/// The files of one torrent, read and written by position in the torrent. From any thread; blocking.
final class FileSet: Sendable {
    /// Where the bytes of a file that was not selected go: to the part file, unless the file exists.
    private enum Place: UInt8 { case ownFile, undecided, partFile }

    private static let lastID = Atomic<UInt64>(0)

    /// Names this set in the shared caches.
    let id: UInt64
    let layout: TorrentLayout
    let cache: DescriptorCache
    let parts: PartFile
    /// Held while one thread writes: the kernel lets one at a time write to a file, and others would spin.
    let writing = Lock(())
    private let directory: Lock<String>
    /// Names the descriptors of the present place: those of an earlier one are not found any more.
    private let placeNumber: Atomic<UInt64>
    /// Empty when every file is selected.
    private let places: Lock<[Place]>

    init(
        torrent: TorrentID, layout: TorrentLayout, directory: String, cache: DescriptorCache,
        selection: Bitfield? = nil
    ) {
        self.id = Self.lastID.add(1, ordering: .relaxed).newValue
        self.layout = layout
        self.cache = cache
        self.directory = Lock(directory)
        self.placeNumber = Atomic(self.id)
        self.parts = PartFile(name: ".\(torrent.hex).parts", geometry: layout.geometry)
        self.places = Lock(Self.places(selection, layout))
    }

    var directoryPath: String { self.directory.withLock { $0 } }

    var place: UInt64 { self.placeNumber.load(ordering: .acquiring) }

    /// Whoever finds the new number finds the new path.
    func changeDirectory(to path: String) {
        let old = self.place
        self.directory.withLock { $0 = path }
        self.placeNumber.store(Self.lastID.add(1, ordering: .relaxed).newValue, ordering: .releasing)
        self.cache.removeAll(of: old)
        self.parts.forget()
    }

    func fullPath(ofFile file: Int) -> String { self.directoryPath + "/" + self.layout.path(ofFile: file) }

    /// Of the first file with a byte of the piece, for messages.
    func path(ofPiece piece: Int) -> String {
        self.fullPath(ofFile: self.layout.file(at: Int64(piece) * Int64(self.layout.geometry.pieceLength)))
    }

    // MARK: Selection

    /// Which files get their own file from now on; nil is all. No write may be under way.
    func select(_ selection: Bitfield?, _ worker: DiskWorker) throws(StorageFailure) {
        let old = self.places.withLock { $0 }
        for file in old.indices where old[file] != .ownFile && selection?[file] ?? true {
            if try self.usesPartFile(file) { try self.exportParts(to: file, worker) }
        }
        let places = Self.places(selection, self.layout)
        self.places.withLock { $0 = places }
        if places.isEmpty, !old.isEmpty { try self.removePartFile() }
    }

    private static func places(_ selection: Bitfield?, _ layout: TorrentLayout) -> [Place] {
        guard let selection, selection.count == layout.fileCount, !selection.isComplete else { return [] }
        return (0..<layout.fileCount).map { selection[$0] ? .ownFile : .undecided }
    }

    /// Decides once, by whether the file exists.
    func usesPartFile(_ file: Int) throws(StorageFailure) -> Bool {
        let place = self.places.withLock { $0.isEmpty ? .ownFile : $0[file] }
        guard place == .undecided else { return place == .partFile }
        let exists = try self.status(ofFile: file) != nil
        self.places.withLock { places in
            if !places.isEmpty, places[file] == .undecided { places[file] = exists ? .ownFile : .partFile }
        }
        return !exists
    }

    // MARK: Descriptors

    func root() throws(StorageFailure) -> Descriptor {
        let key = DescriptorCache.Key(owner: self.place, file: DescriptorCache.Key.root)
        if let known = self.cache.find(key) { return known }
        let path = self.directoryPath
        let number = try self.opening(path, .open) { Glibc.open(path, WEIR_O_PATH | O_DIRECTORY | O_CLOEXEC) }
        let descriptor = Descriptor(number, isWritable: false)
        self.cache.insert(descriptor, for: key)
        return descriptor
    }

    /// The file of the torrent, opened for reading, or made if need be when it is to be written.
    func open(_ file: Int, forWriting: Bool) throws(StorageFailure) -> Descriptor {
        while true {
            let place = self.place
            let key = DescriptorCache.Key(owner: place, file: Int32(truncatingIfNeeded: file))
            if let known = self.cache.find(key), known.isWritable || !forWriting { return known }
            let mode: mode_t = self.layout.isExecutable(file) ? 0o777 : 0o666
            do throws(StorageFailure) {
                let path = self.layout.path(ofFile: file)
                let descriptor = try self.open(path, forWriting: forWriting, mode: mode)
                self.cache.insert(descriptor, for: key)
                return descriptor
            } catch {
                // It was moved meanwhile.
                guard error.reason == .missing, place != self.place else { throw error }
            }
        }
    }

    func open(_ path: String, forWriting: Bool, mode: mode_t) throws(StorageFailure) -> Descriptor {
        let root = try self.root()
        let full = self.directoryPath + "/" + path
        let flags = (forWriting ? O_RDWR | O_CREAT : O_RDONLY) | Self.openFlags
        let number = try self.opening(full, .open) {
            let number = Beneath.open(root.number, path, flags, mode: mode)
            guard number < 0, errno == ENOENT, forWriting else { return number }
            guard Beneath.makeParents(of: path, root.number) == 0 else { return -1 }
            return Beneath.open(root.number, path, flags, mode: mode)
        }
        guard Self.isFile(number) else {
            close(number)
            throw StorageFailure(.open, .notAFile, path: full)
        }
        return Descriptor(number, isWritable: forWriting)
    }

    /// The file, opened for reading, when that waits for nothing. For the loop.
    func openAtOnce(_ file: Int) -> Descriptor? {
        let place = self.place
        let key = DescriptorCache.Key(owner: place, file: Int32(truncatingIfNeeded: file))
        if let known = self.cache.find(key) { return known }
        let rootKey = DescriptorCache.Key(owner: place, file: DescriptorCache.Key.root)
        guard let root = self.cache.find(rootKey), root.medium != .other,
            self.places.withLock({ $0.isEmpty || $0[file] == .ownFile })
        else { return nil }
        let number = Beneath.openAtOnce(
            root.number, self.layout.path(ofFile: file), O_RDONLY | Self.openFlags)
        guard number >= 0 else { return nil }
        // It lies on the root's file system, or was not opened.
        let descriptor = Descriptor(number, isWritable: false, medium: root.medium)
        guard Self.isFile(number), self.cache.insertAtOnce(descriptor, for: key) else { return nil }
        return descriptor
    }

    /// Not blocking, since a named pipe may lie there; it has no effect on files.
    private static let openFlags = O_NONBLOCK | O_NOCTTY

    private static func isFile(_ number: Int32) -> Bool {
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Makes room and tries again when no descriptor is left.
    private func opening(
        _ path: String, _ operation: StorageFailure.Operation, _ body: () -> Int32
    ) throws(StorageFailure) -> Int32 {
        while true {
            let number = body()
            if number >= 0 { return number }
            let code = errno
            if code == EMFILE || code == ENFILE, self.cache.shrink() { continue }
            throw StorageFailure(operation, code: code, path: path)
        }
    }

    func closeAll() {
        self.cache.removeAll(of: self.place)
        self.parts.forget()
    }

    // MARK: State of files

    struct Status: Hashable {
        var size: Int64
        /// In nanoseconds since 1970.
        var changedAt: Int64
    }

    /// Nil when nothing is there.
    func status(ofFile file: Int) throws(StorageFailure) -> Status? {
        let place = self.place
        let path = self.layout.path(ofFile: file)
        let root: Descriptor
        do {
            root = try self.root()
        } catch {
            if error.reason == .missing { return nil }
            throw error
        }
        // A torrent's link is looked at itself: where it leads is a file of its own, or nothing.
        let flags = WEIR_O_PATH | (self.layout.isSymlink(file) ? O_NOFOLLOW : 0)
        let number: Int32
        do throws(StorageFailure) {
            number = try self.opening(self.fullPath(ofFile: file), .stat) {
                Beneath.open(root.number, path, flags)
            }
        } catch {
            // Or what should be a folder is none.
            guard error.reason == .missing || error.reason == .notAFile else { throw error }
            return place == self.place ? nil : try self.status(ofFile: file)
        }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0 else {
            throw StorageFailure(.stat, code: errno, path: self.fullPath(ofFile: file))
        }
        return Status(
            size: Int64(status.st_size),
            changedAt: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
    }
}
