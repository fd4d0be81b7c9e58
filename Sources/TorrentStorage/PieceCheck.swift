import Digests
import SwarmTypes

/// Reads pieces and compares their hashes, in the memory of one disk thread.
struct PieceCheck {
    /// Pieces that are hashed side by side, where the processor can.
    static let groupCount = SHA1Lanes.isAvailable ? SHA1Lanes.laneCount : 1
    /// Bigger ones are read one after another, since a disk with heads would have to jump between them.
    static let longestInGroups = 4 << 20

    /// How many pieces of a torrent are hashed side by side.
    static func groupCount(_ geometry: PieceGeometry) -> Int {
        let length = Int(geometry.pieceLength)
        return length <= self.longestInGroups && length % SHA1Lanes.blockLength == 0 ? self.groupCount : 1
    }

    private let files: FileSet
    private let hashes: PieceHashes
    private let worker: DiskWorker

    init(_ files: FileSet, _ hashes: PieceHashes, _ worker: DiskWorker) {
        self.files = files
        self.hashes = hashes
        self.worker = worker
    }

    /// Which of the pieces are good. One that cannot be read is not, and `failure` says why if it is the first; a file
    /// that is missing or too short is no failure.
    func goodPieces(_ pieces: [Int], _ failure: inout StorageFailure?) -> [Bool] {
        if let lanes = self.worker.lanes, pieces.count > 1, pieces.count <= SHA1Lanes.laneCount,
            let length = self.commonLength(pieces)
        {
            return self.goodPieces(pieces, length: length, lanes, &failure)
        }
        return pieces.map { piece in
            do throws(StorageFailure) {
                return try self.isGood(piece)
            } catch {
                if failure == nil { failure = error }
                return false
            }
        }
    }

    /// Nil when they are not of one length, or not of whole blocks of the hash.
    private func commonLength(_ pieces: [Int]) -> Int? {
        let geometry = self.files.layout.geometry
        let length = Int(geometry.length(ofPiece: pieces[0]))
        guard length % SHA1Lanes.blockLength == 0,
            pieces.allSatisfy({ Int(geometry.length(ofPiece: $0)) == length })
        else { return nil }
        return length
    }

    private func goodPieces(
        _ pieces: [Int], length: Int, _ lanes: PieceLanes, _ failure: inout StorageFailure?
    ) -> [Bool] {
        guard let start = UnsafeRawPointer(self.worker.buffer.baseAddress) else { return [] }
        var isReadable = [Bool](repeating: true, count: pieces.count)
        let stride = self.worker.buffer.count / SHA1Lanes.laneCount
        var done = 0
        while done < length {
            let count = min(stride, length - done)
            for (lane, piece) in pieces.enumerated() where isReadable[lane] {
                let position = Int64(piece) * Int64(self.files.layout.geometry.pieceLength) + Int64(done)
                let part = self.worker.buffer[lane * stride..<lane * stride + count]
                do throws(StorageFailure) {
                    try self.files.read(into: UnsafeMutableRawBufferPointer(rebasing: part), at: position)
                } catch {
                    isReadable[lane] = false
                    if !error.isAbsence, failure == nil { failure = error }
                }
            }
            lanes.update(count: count, lanes: pieces.count) { start + $0 * stride }
            done += count
        }
        let matches = lanes.finish(pieces, self.hashes)
        return zip(isReadable, matches).map { $0 && $1 }
    }

    /// False also when a file is missing or too short; throws when it cannot be read.
    func isGood(_ piece: Int) throws(StorageFailure) -> Bool {
        let geometry = self.files.layout.geometry
        let start = Int64(piece) * Int64(geometry.pieceLength)
        let length = Int(geometry.length(ofPiece: piece))
        do {
            let hasher = try self.worker.pieceHasher()
            var done = 0
            while done < length {
                let count = min(self.worker.buffer.count, length - done)
                let buffer = UnsafeMutableRawBufferPointer(rebasing: self.worker.buffer[..<count])
                do throws(StorageFailure) {
                    try self.files.read(into: buffer, at: start + Int64(done))
                } catch {
                    hasher.reset()
                    if error.isAbsence { return false }
                    throw error
                }
                try hasher.add(UnsafeRawBufferPointer(buffer), blocks: 0)
                done += count
            }
            return try hasher.finish(piece, self.hashes)
        } catch let failure as StorageFailure {
            throw failure
        } catch {
            throw StorageFailure(.read, .noDigest, path: self.files.directoryPath)
        }
    }

    /// Of each block of a piece, as it is on disk.
    func blockDigests(ofPiece piece: Int) throws(StorageFailure) -> [UInt64] {
        let geometry = self.files.layout.geometry
        var digests: [UInt64] = []
        for number in 0..<geometry.blockCount(ofPiece: piece) {
            let block = geometry.block(number, ofPiece: piece)
            let buffer = UnsafeMutableRawBufferPointer(rebasing: self.worker.buffer[..<Int(block.length)])
            try self.files.read(into: buffer, at: geometry.position(of: block))
            digests.append(blockDigest(UnsafeRawBufferPointer(buffer)))
        }
        return digests
    }

    func verdict(_ piece: Int, isGood: Bool, wantsDigests: Bool) -> PieceVerdict {
        let digests = isGood && !wantsDigests ? nil : try? self.blockDigests(ofPiece: piece)
        return PieceVerdict(piece: piece, isGood: isGood, blockDigests: digests)
    }
}

extension StorageFailure {
    /// There is less than there should be; no fault of the machine.
    var isAbsence: Bool { self.reason == .missing || self.reason == .fileChanged }
}
