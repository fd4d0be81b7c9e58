public import SwarmTypes

extension TorrentStore {
    /// The pieces with a byte in one of these files.
    public func pieces(ofFiles files: [Int]) -> Bitfield {
        var pieces = Bitfield(count: self.geometry.pieceCount)
        for file in files where file >= 0 && file < self.layout.fileCount {
            for piece in self.layout.pieces(ofFile: file) { pieces.set(piece) }
        }
        return pieces
    }

    /// Whether a file that some of these pieces lie in is missing or too short for them; nil when none is. One `stat`
    /// for each file.
    public func findAbsence(of pieces: Bitfield, completion: @escaping (StorageFailure?) -> Void) {
        let files = self.files
        self.perform { _ -> StorageFailure? in
            do throws(StorageFailure) {
                try files.requirePresence(of: pieces)
                return nil
            } catch {
                return error
            }
        } _: {
            completion($0)
        }
    }
}

extension FileSet {
    fileprivate func requirePresence(of pieces: Bitfield) throws(StorageFailure) {
        let geometry = self.layout.geometry
        var ends: [Int: Int64] = [:]
        for piece in 0..<pieces.count where pieces[piece] {
            let start = Int64(piece) * Int64(geometry.pieceLength)
            try self.layout.forEachRange(at: start, count: Int(geometry.length(ofPiece: piece))) { range in
                guard !self.layout.isPad(range.file) else { return }
                ends[range.file] = max(ends[range.file] ?? 0, range.offset + Int64(range.count))
            }
        }
        for (file, end) in ends.sorted(by: { $0.key < $1.key }) where try !self.usesPartFile(file) {
            guard let status = try self.status(ofFile: file) else {
                throw StorageFailure(.read, .missing, path: self.fullPath(ofFile: file))
            }
            guard status.size >= end else {
                throw StorageFailure(.read, .fileChanged, path: self.fullPath(ofFile: file))
            }
        }
    }
}
