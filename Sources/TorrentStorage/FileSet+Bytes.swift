import CLinuxIO
import EventIO
import Glibc
import SwarmTypes

extension FileSet {
    /// Fills the buffer with the torrent's bytes from `position` on, which must all be inside it.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageFailure) {
        var filled = 0
        try self.layout.forEachRange(at: position, count: buffer.count) { range throws(StorageFailure) in
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + range.count])
            filled += range.count
            if self.layout.isPad(range.file) {
                part.initializeMemory(as: UInt8.self, repeating: 0)
            } else if try self.usesPartFile(range.file) {
                try self.parts.read(
                    into: part, at: self.layout.start(ofFile: range.file) + range.offset, of: self)
            } else {
                let file = try self.open(range.file, forWriting: false)
                try readAll(file.number, into: part, at: range.offset, self.fullPath(ofFile: range.file))
            }
        }
    }

    /// The same as far as no disk is needed; false when that is not everything, and the buffer then holds nothing of
    /// use. For the loop.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) -> Bool {
        // All files first: when one needs a thread, that thread reads the rest again.
        var files: [Descriptor] = []
        do throws(StorageFailure) {
            try self.layout.forEachRange(at: position, count: buffer.count) { range throws(StorageFailure) in
                guard !self.layout.isPad(range.file) else { return }
                guard let file = self.openAtOnce(range.file) else {
                    throw StorageFailure(.read, .missing, path: "")
                }
                files.append(file)
            }
            var filled = 0
            var place = 0
            try self.layout.forEachRange(at: position, count: buffer.count) { range throws(StorageFailure) in
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + range.count])
                filled += range.count
                guard !self.layout.isPad(range.file) else {
                    part.initializeMemory(as: UInt8.self, repeating: 0)
                    return
                }
                guard files[place].readCached(into: part, at: range.offset) else {
                    throw StorageFailure(.read, .missing, path: "")
                }
                place += 1
            }
        } catch {
            return false
        }
        return true
    }

    /// Asks the kernel to fetch what is about to be read.
    func willNeed(at position: Int64, count: Int) {
        try? self.layout.forEachRange(at: position, count: count) { range throws(StorageFailure) in
            if self.layout.isPad(range.file) { return }
            let file = try self.open(range.file, forWriting: false)
            if file.medium != .memory { weir_will_need(file.number, off_t(range.offset), off_t(range.count)) }
        }
    }

    /// Writes the slices, one after another, to the torrent's bytes from `position` on.
    func write(
        _ slices: borrowing SliceRun, at position: Int64, on worker: DiskWorker
    ) throws(StorageFailure) {
        var cursor = SliceRun.Cursor()
        try self.layout.forEachRange(at: position, count: slices.count) { range throws(StorageFailure) in
            if self.layout.isPad(range.file) {
                slices.skip(range.count, &cursor)
                return
            }
            let isPart = try self.usesPartFile(range.file)
            let file = isPart ? nil : try self.open(range.file, forWriting: true)
            var written = 0
            while written < range.count {
                let (parts, count) = slices.gather(range.count - written, into: worker.parts, &cursor)
                if let file {
                    try self.writing.withLock { _ throws(StorageFailure) in
                        try writeAll(
                            file.number, worker.parts, parts, at: range.offset + Int64(written),
                            self.fullPath(ofFile: range.file))
                    }
                } else {
                    let start = self.layout.start(ofFile: range.file) + range.offset + Int64(written)
                    try self.parts.write(worker.parts, parts, at: start, of: self)
                }
                written += count
            }
        }
    }
}

/// Reads exactly what the buffer holds; a file that ends before is `fileChanged`.
func readAll(
    _ file: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64,
    _ path: @autoclosure () -> String
) throws(StorageFailure) {
    var filled = 0
    while filled < buffer.count {
        let count = pread(
            file, buffer.baseAddress?.advanced(by: filled), buffer.count - filled,
            off_t(offset) + filled)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw StorageFailure(.read, code: errno, path: path()) }
        guard count > 0 else { throw StorageFailure(.read, .fileChanged, path: path()) }
        filled += count
    }
}

/// Writes all parts, one after another. The parts are used up.
func writeAll(
    _ file: Int32, _ parts: UnsafeMutablePointer<iovec>, _ count: Int, at offset: Int64,
    _ path: @autoclosure () -> String
) throws(StorageFailure) {
    var offset = offset
    var first = 0
    while first < count {
        var written = pwritev(file, parts + first, Int32(truncatingIfNeeded: count - first), off_t(offset))
        if written < 0, errno == EINTR { continue }
        guard written > 0 else {
            throw StorageFailure(.write, code: written == 0 ? ENOSPC : errno, path: path())
        }
        offset += Int64(written)
        while first < count, written >= parts[first].iov_len {
            written -= parts[first].iov_len
            first += 1
        }
        if written > 0 {
            parts[first].iov_base = parts[first].iov_base?.advanced(by: written)
            parts[first].iov_len -= written
        }
    }
}
