import Digests
import SwarmTypes

/// Reads pieces and compares their hashes, in the memory of one disk thread.
struct PieceCheck: ~Copyable {
    private let files: FileSet
    private let hashes: PieceHashes
    private let worker: DiskWorker
    private let hasher: PieceHasher

    init(_ files: FileSet, _ hashes: PieceHashes, _ worker: DiskWorker) throws(StorageFailure) {
        self.files = files
        self.hashes = hashes
        self.worker = worker
        do {
            self.hasher = try worker.pieceHasher()
        } catch {
            throw StorageFailure(.read, .noDigest, path: files.directoryPath)
        }
    }

    /// False also when a file is missing or too short; throws when it cannot be read.
    func isGood(_ piece: Int) throws(StorageFailure) -> Bool {
        let geometry = self.files.layout.geometry
        let start = Int64(piece) * Int64(geometry.pieceLength)
        let length = Int(geometry.length(ofPiece: piece))
        var done = 0
        do throws(StorageFailure) {
            while done < length {
                let count = min(self.worker.buffer.count, length - done)
                let buffer = UnsafeMutableRawBufferPointer(rebasing: self.worker.buffer[..<count])
                try self.files.read(into: buffer, at: start + Int64(done))
                do {
                    try self.hasher.add(UnsafeRawBufferPointer(buffer), blocks: 0)
                } catch {
                    throw StorageFailure(.read, .noDigest, path: self.files.directoryPath)
                }
                done += count
            }
        } catch {
            self.hasher.reset()
            if error.reason == .missing || error.reason == .fileChanged { return false }
            throw error
        }
        do {
            return try self.hasher.finish(piece, self.hashes)
        } catch {
            throw StorageFailure(.read, .noDigest, path: self.files.directoryPath)
        }
    }
}
