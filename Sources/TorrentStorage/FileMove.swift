import CLinuxIO
import Glibc
import SwarmTypes

/// How far a move has come; the state between its steps.
struct MoveState: Sendable {
    /// Of the layout; the part file comes last.
    var entry = 0
    /// Of the file that is being copied, in bytes.
    var offset: Int64 = 0
    var bytesCopied: Int64 = 0
    /// What this move has put into the new place.
    var made: [Int] = []
    /// Files of that size and time that were in the new place before: taken for the torrent's, until proved.
    var found: [Int] = []
}

/// One step of moving a torrent's files: they are linked into the new place, or copied where that is another file system,
/// while those in the old place stay as they are. Blocking.
struct FileMove: Sendable {
    /// What one step copies, so that others get a turn.
    static let bytesPerStep: Int64 = 8 << 20
    private static let entriesPerStep = 256
    private static let temporarySuffix = ".weir-part"

    let files: FileSet
    let target: FileSet

    /// Answers the state after the step, also after a failure, and whether nothing is left.
    func run(_ state: MoveState, on worker: DiskWorker) -> (state: MoveState, Result<Bool, StorageFailure>) {
        var state = state
        do throws(StorageFailure) {
            let (from, to) = (try self.files.root(), try self.target.root())
            let limit = state.bytesCopied + Self.bytesPerStep
            for _ in 0..<Self.entriesPerStep where state.bytesCopied < limit {
                guard state.entry <= self.files.layout.fileCount else { break }
                try self.move(&state, from.number, to.number, limit, worker)
            }
            let isDone = state.entry > self.files.layout.fileCount
            if isDone, state.bytesCopied > 0 { try self.sync() }
            return (state, .success(isDone))
        } catch {
            return (state, .failure(error))
        }
    }

    /// Whether both are one folder, under whatever names.
    func isSamePlace() throws(StorageFailure) -> Bool {
        var (from, to) = (stat(), stat())
        guard fstat(try self.files.root().number, &from) == 0, fstat(try self.target.root().number, &to) == 0
        else {
            throw StorageFailure(.stat, code: errno, path: self.target.directoryPath)
        }
        return from.st_dev == to.st_dev && from.st_ino == to.st_ino
    }

    /// Takes away what the move has made.
    func undo(_ state: MoveState) {
        guard let root = try? self.target.root() else { return }
        for entry in state.made { self.remove(self.path(entry), root.number) }
        self.remove(self.path(state.entry) + Self.temporarySuffix, root.number)
        for entry in state.made + [state.entry] {
            var path = self.path(entry)
            while let slash = path.lastSlash {
                path = String(path[..<slash])
                let folder = path
                guard Beneath.inParent(of: folder, root.number, { unlinkat($0, $1, AT_REMOVEDIR) }) == 0
                else { break }
            }
        }
    }

    private func remove(_ path: String, _ root: Int32) {
        _ = Beneath.inParent(of: path, root) { unlinkat($0, $1, 0) }
    }

    private func path(_ entry: Int) -> String {
        entry < self.files.layout.fileCount ? self.files.layout.path(ofFile: entry) : self.files.parts.name
    }

    private func failure(_ operation: StorageFailure.Operation, _ path: String) -> StorageFailure {
        StorageFailure(operation, code: errno, path: self.target.directoryPath + "/" + path)
    }

    private func move(
        _ state: inout MoveState, _ from: Int32, _ to: Int32, _ limit: Int64, _ worker: DiskWorker
    ) throws(StorageFailure) {
        let entry = state.entry
        let path = self.path(entry)
        if entry < self.files.layout.fileCount, self.files.layout.isPad(entry) {
            state.entry += 1
            return
        }
        guard let status = Self.status(path, from) else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw StorageFailure(.stat, code: errno, path: self.files.directoryPath + "/" + path)
            }
            state.entry += 1
            return
        }
        if state.offset == 0, try self.link(path, status, from, to, &state) {
            state.entry += 1
            return
        }
        try self.copy(path, status, from, to, limit, &state, worker)
    }

    private static func status(_ path: String, _ root: Int32) -> stat? {
        var status = stat()
        let code = Beneath.inParent(of: path, root) { fstatat($0, $1, &status, AT_SYMLINK_NOFOLLOW) }
        return code == 0 ? status : nil
    }

    /// Gives the file a second name in the new place. False when it has to be copied.
    private func link(
        _ path: String, _ status: stat, _ from: Int32, _ to: Int32, _ state: inout MoveState
    ) throws(StorageFailure) -> Bool {
        guard Beneath.makeParents(of: path, to) == 0 else { throw self.failure(.makeDirectory, path) }
        let code = Beneath.inParent(of: path, from) { fromFolder, name in
            Beneath.inParent(of: path, to) { toFolder, _ in linkat(fromFolder, name, toFolder, name, 0) }
        }
        if code == 0 {
            state.made.append(state.entry)
            return true
        }
        let error = errno
        if let other = Self.status(path, to) {
            guard other.st_size == status.st_size, other.st_mtim.tv_sec == status.st_mtim.tv_sec,
                other.st_mtim.tv_nsec == status.st_mtim.tv_nsec,
                // The same file under both names would be gone with the old one.
                other.st_ino != status.st_ino || other.st_dev != status.st_dev
            else {
                throw StorageFailure(.rename, .alreadyThere, path: self.target.directoryPath + "/" + path)
            }
            state.found.append(state.entry)
            return true
        }
        guard [EXDEV, EPERM, EOPNOTSUPP, EMLINK].contains(error) else {
            errno = error
            throw self.failure(.rename, path)
        }
        guard status.st_mode & S_IFMT == S_IFLNK else { return false }
        let text = self.files.layout.symlinkText(ofFile: state.entry)
        guard let text, Beneath.inParent(of: path, to, { symlinkat(text, $0, $1) }) == 0 else {
            throw self.failure(.link, path)
        }
        state.made.append(state.entry)
        return true
    }

    /// Copies on from where the last step ended; the copy gets its name once it is whole and on disk.
    private func copy(
        _ path: String, _ status: stat, _ from: Int32, _ to: Int32, _ limit: Int64, _ state: inout MoveState,
        _ worker: DiskWorker
    ) throws(StorageFailure) {
        let temporary = path + Self.temporarySuffix
        let source = Beneath.open(from, path, O_RDONLY | O_NONBLOCK)
        guard source >= 0 else {
            throw StorageFailure(.open, code: errno, path: self.files.directoryPath + "/" + path)
        }
        defer { close(source) }
        let isFirst = state.offset == 0
        let copy = Beneath.open(
            to, temporary, O_RDWR | O_CREAT | (isFirst ? O_TRUNC : 0), mode: status.st_mode & 0o777)
        guard copy >= 0 else { throw self.failure(.open, temporary) }
        defer { close(copy) }
        let size = Int64(status.st_size)
        while state.offset < size, state.bytesCopied < limit {
            let count = Int(min(Int64(worker.buffer.count), size - state.offset))
            let buffer = UnsafeMutableRawBufferPointer(rebasing: worker.buffer[..<count])
            try readAll(source, into: buffer, at: state.offset, self.files.directoryPath + "/" + path)
            // What was never written takes no space in the new place either.
            if !buffer.allSatisfy({ $0 == 0 }) {
                worker.parts[0] = iovec(iov_base: buffer.baseAddress, iov_len: count)
                try writeAll(
                    copy, worker.parts, 1, at: state.offset, self.target.directoryPath + "/" + temporary)
            }
            state.offset += Int64(count)
            state.bytesCopied += Int64(count)
        }
        guard state.offset >= size else { return }
        var times = [status.st_atim, status.st_mtim]
        guard ftruncate(copy, off_t(size)) == 0, futimens(copy, &times) == 0, fdatasync(copy) == 0 else {
            throw self.failure(.sync, temporary)
        }
        let renamed = Beneath.inParent(of: temporary, to) { oldFolder, oldName in
            Beneath.inParent(of: path, to) { newFolder, newName in
                renameat(oldFolder, oldName, newFolder, newName)
            }
        }
        guard renamed == 0 else { throw self.failure(.rename, path) }
        state.made.append(state.entry)
        state.entry += 1
        state.offset = 0
    }

    /// The names too: the old ones are removed after this.
    private func sync() throws(StorageFailure) {
        let path = self.target.directoryPath
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw StorageFailure(.sync, code: errno, path: path) }
        defer { close(folder) }
        guard weir_sync_file_system(folder) == 0 else { throw StorageFailure(.sync, code: errno, path: path) }
    }
}
