import CLinuxIO
import Glibc
import SwarmTypes

extension FileSet {
    /// Makes the download directory, the torrent's empty files and symbolic links; and reserves the space of the
    /// selected files when asked to. What is there already stays as it is.
    func prepare(reservesSpace: Bool) throws(StorageFailure) {
        try self.makeDirectory()
        for file in 0..<self.layout.fileCount where !self.layout.isPad(file) {
            if let target = self.layout.symlinkText(ofFile: file) {
                try self.makeLink(file, to: target)
            } else if self.layout.length(ofFile: file) == 0 {
                if try !self.usesPartFile(file) { _ = try self.open(file, forWriting: true) }
            } else if reservesSpace, try !self.usesPartFile(file) {
                try self.reserve(file)
            }
        }
    }

    func makeDirectory() throws(StorageFailure) { try makeFolder(self.directoryPath) }

    private func makeLink(_ file: Int, to target: String) throws(StorageFailure) {
        let path = self.layout.path(ofFile: file)
        let root = try self.root()
        guard Beneath.makeParents(of: path, root.number) == 0,
            Beneath.inParent(of: path, root.number, { symlinkat(target, $0, $1) }) == 0 || errno == EEXIST
        else { throw StorageFailure(.link, code: errno, path: self.fullPath(ofFile: file)) }
    }

    private func reserve(_ file: Int) throws(StorageFailure) {
        let descriptor = try self.open(file, forWriting: true)
        let code = posix_fallocate(descriptor.number, 0, off_t(self.layout.length(ofFile: file)))
        guard code == 0 || code == EOPNOTSUPP || code == EINVAL else {
            throw StorageFailure(.allocate, code: code, path: self.fullPath(ofFile: file))
        }
    }

    /// Gives a newly selected file what the part file holds of it.
    func exportParts(to file: Int, _ worker: DiskWorker) throws(StorageFailure) {
        let pieces = self.layout.pieces(ofFile: file)
        let start = self.layout.start(ofFile: file)
        let length = Int64(self.layout.geometry.pieceLength)
        for piece in try self.parts.pieces(of: self) where pieces.contains(piece) {
            var position = max(start, Int64(piece) * length)
            let end = min(start + self.layout.length(ofFile: file), (Int64(piece) + 1) * length)
            while position < end {
                let count = min(worker.buffer.count, Int(end - position))
                let buffer = UnsafeMutableRawBufferPointer(rebasing: worker.buffer[..<count])
                do throws(StorageFailure) {
                    try self.parts.read(into: buffer, at: position, of: self)
                } catch {
                    // The slot ends before: the rest was never there.
                    if error.reason == .fileChanged { break }
                    throw error
                }
                let descriptor = try self.open(file, forWriting: true)
                worker.parts[0] = .init(iov_base: buffer.baseAddress, iov_len: count)
                try writeAll(
                    descriptor.number, worker.parts, 1, at: position - start, self.fullPath(ofFile: file))
                position += Int64(count)
            }
        }
        // The part file may be removed after this, and a record may say already that its bytes are on disk.
        let descriptor = try self.open(file, forWriting: true)
        guard fdatasync(descriptor.number) == 0 else {
            throw StorageFailure(.sync, code: errno, path: self.fullPath(ofFile: file))
        }
    }

    /// Once every file is wanted.
    func removePartFile() throws(StorageFailure) {
        let root = try self.root()
        self.parts.forget()
        self.cache.remove(DescriptorCache.Key(owner: self.place, file: DescriptorCache.Key.parts))
        guard unlinkat(root.number, self.parts.name, 0) == 0 || errno == ENOENT else {
            throw StorageFailure(.remove, code: errno, path: self.directoryPath + "/" + self.parts.name)
        }
    }

    /// Removes the torrent's files, its part file, and those of its folders that are empty then. Nothing else: what others
    /// put there stays.
    func removeAll() throws(StorageFailure) {
        let root: Descriptor
        do {
            root = try self.root()
        } catch {
            if error.reason == .missing { return }
            throw error
        }
        var folders: Set<String> = []
        var failure: StorageFailure?
        func remove(_ path: String, _ flags: Int32) {
            if Beneath.inParent(of: path, root.number, { unlinkat($0, $1, flags) }) == 0 { return }
            let isExpected = [ENOENT, ENOTDIR, ENOTEMPTY, EEXIST].contains(errno)
            if !isExpected, failure == nil {
                failure = StorageFailure(.remove, code: errno, path: self.directoryPath + "/" + path)
            }
        }
        for file in 0..<self.layout.fileCount where !self.layout.isPad(file) {
            var path = self.layout.path(ofFile: file)
            remove(path, 0)
            while let slash = path.lastSlash {
                path = String(path[..<slash])
                guard folders.insert(path).inserted else { break }
            }
        }
        remove(self.parts.name, 0)
        // Inner folders first.
        let depth = { (path: String) in path.utf8.count { $0 == UInt8(ascii: "/") } }
        for folder in folders.sorted(by: { depth($0) > depth($1) }) { remove(folder, AT_REMOVEDIR) }
        if let failure { throw failure }
    }
}
