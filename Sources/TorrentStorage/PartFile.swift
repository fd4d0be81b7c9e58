import EventIO
import Glibc
import SwarmTypes

/// Holds the bytes of files that were not selected but share a piece with one that was.
///
/// A hidden file beside the torrent's: a header (`WEIRPRT1`, the piece length and the number of pieces, all big-endian),
/// a table with the slot of each piece plus one (4 bytes; 0 is none), and the slots, each as long as a piece.
/// From any thread; blocking. What it holds is proved by the pieces' hashes, so a damaged one does no harm.
final class PartFile: Sendable {
    private static let mark: [UInt8] = Array("WEIRPRT1".utf8)
    private static let tableStart: Int64 = 16

    private struct Slots {
        var byPiece: [UInt32: UInt32] = [:]
        var next: UInt32 = 0
        /// Whether the file has our header, so that slots may be added.
        var isOurs = false
    }

    let name: String
    private let geometry: PieceGeometry
    /// Nil until the file was looked at.
    private let slots = Lock<Slots?>(nil)

    init(name: String, geometry: PieceGeometry) {
        self.name = name
        self.geometry = geometry
    }

    /// A multiple of a page, so that slots do not share one with the table.
    private var slotsStart: Int64 {
        (Self.tableStart + 4 * Int64(self.geometry.pieceCount) + 4095) / 4096 * 4096
    }

    func forget() { self.slots.withLock { $0 = nil } }

    /// `position` and the buffer must be inside one piece's worth of bytes of the torrent, or are split by piece.
    func read(
        into buffer: UnsafeMutableRawBufferPointer, at position: Int64, of files: FileSet
    ) throws(StorageFailure) {
        let path = self.path(files)
        let file = try self.open(files, forWriting: false)
        var done = 0
        while done < buffer.count {
            let (piece, offset, count) = self.split(position + Int64(done), buffer.count - done)
            guard let slot = self.slots.withLock({ $0?.byPiece[piece] }) else {
                throw StorageFailure(.read, .fileChanged, path: path)
            }
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
            try readAll(file.number, into: part, at: self.place(slot, offset), path)
            done += count
        }
    }

    /// Writes the parts to the torrent's bytes from `position` on. The parts are used up.
    func write(
        _ parts: UnsafeMutablePointer<iovec>, _ partCount: Int, at position: Int64, of files: FileSet
    ) throws(StorageFailure) {
        let path = self.path(files)
        let file = try self.open(files, forWriting: true)
        var position = position
        for index in 0..<partCount {
            while parts[index].iov_len > 0 {
                let (piece, offset, count) = self.split(position, parts[index].iov_len)
                let slot = try self.slot(of: piece, file, path)
                var part = iovec(iov_base: parts[index].iov_base, iov_len: count)
                try writeAll(file.number, &part, 1, at: self.place(slot, offset), path)
                parts[index].iov_base = parts[index].iov_base?.advanced(by: count)
                parts[index].iov_len -= count
                position += Int64(count)
            }
        }
    }

    /// The pieces of which it holds something.
    func pieces(of files: FileSet) throws(StorageFailure) -> [Int] {
        do {
            _ = try self.open(files, forWriting: false)
        } catch {
            if error.reason == .missing { return [] }
            throw error
        }
        return self.slots.withLock { ($0?.byPiece.keys).map { $0.map(Int.init).sorted() } ?? [] }
    }

    func sync(of files: FileSet) throws(StorageFailure) {
        let file = try self.open(files, forWriting: true)
        guard fdatasync(file.number) == 0 else {
            throw StorageFailure(.sync, code: errno, path: self.path(files))
        }
    }

    private func path(_ files: FileSet) -> String { files.directoryPath + "/" + self.name }

    private func place(_ slot: UInt32, _ offset: Int64) -> Int64 {
        self.slotsStart + Int64(slot) * Int64(self.geometry.pieceLength) + offset
    }

    /// The piece of a byte, its place there, and how much of `count` is in that piece.
    private func split(_ position: Int64, _ count: Int) -> (piece: UInt32, offset: Int64, count: Int) {
        let length = Int64(self.geometry.pieceLength)
        let offset = position % length
        return (
            UInt32(truncatingIfNeeded: position / length), offset, Int(min(Int64(count), length - offset))
        )
    }

    private func slot(of piece: UInt32, _ file: Descriptor, _ path: String) throws(StorageFailure) -> UInt32 {
        try self.slots.withLock { slots throws(StorageFailure) -> UInt32 in
            if let known = slots?.byPiece[piece] { return known }
            let slot = slots?.next ?? 0
            var entry = (slot + 1).bigEndian
            var part = iovec(iov_base: nil, iov_len: 4)
            try withUnsafeMutableBytes(of: &entry) { bytes throws(StorageFailure) in
                part.iov_base = bytes.baseAddress
                try writeAll(file.number, &part, 1, at: Self.tableStart + 4 * Int64(piece), path)
            }
            slots?.byPiece[piece] = slot
            slots?.next = slot + 1
            return slot
        }
    }

    private func open(_ files: FileSet, forWriting: Bool) throws(StorageFailure) -> Descriptor {
        let key = DescriptorCache.Key(owner: files.place, file: DescriptorCache.Key.parts)
        var descriptor = files.cache.find(key)
        if descriptor.map({ forWriting && !$0.isWritable }) ?? true {
            let opened = try files.open(self.name, forWriting: forWriting, mode: 0o666)
            files.cache.insert(opened, for: key)
            descriptor = opened
        }
        guard let descriptor else { throw StorageFailure(.open, .missing, path: self.path(files)) }
        try self.slots.withLock { slots throws(StorageFailure) in
            if slots == nil || (forWriting && slots?.isOurs == false) {
                slots = try self.load(descriptor, self.path(files))
            }
        }
        return descriptor
    }

    /// Reads the table, or begins a new file. One of another shape is begun anew: nothing proves it is this torrent's.
    private func load(_ file: Descriptor, _ path: String) throws(StorageFailure) -> Slots {
        var header = [UInt8](repeating: 0, count: Int(Self.tableStart) + 4 * self.geometry.pieceCount)
        let count = header.count
        let read = pread(file.number, &header, count, 0)
        guard read >= 0 else { throw StorageFailure(.read, code: errno, path: path) }
        func number(_ at: Int) -> UInt32 { header[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }

        var slots = Slots()
        let wanted =
            Self.mark
            + [self.geometry.pieceLength, UInt32(self.geometry.pieceCount)].flatMap { word in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
            }
        guard header.starts(with: wanted) else {
            guard file.isWritable else { return slots }
            var bytes = wanted
            guard ftruncate(file.number, 0) == 0, pwrite(file.number, &bytes, bytes.count, 0) == bytes.count,
                ftruncate(file.number, off_t(self.slotsStart)) == 0
            else { throw StorageFailure(.write, code: errno, path: path) }
            slots.isOurs = true
            return slots
        }
        slots.isOurs = true
        for piece in 0..<self.geometry.pieceCount {
            let entry = number(Int(Self.tableStart) + 4 * piece)
            guard entry > 0, entry <= UInt32(self.geometry.pieceCount) else { continue }
            slots.byPiece[UInt32(truncatingIfNeeded: piece)] = entry - 1
            slots.next = max(slots.next, entry)
        }
        return slots
    }
}
