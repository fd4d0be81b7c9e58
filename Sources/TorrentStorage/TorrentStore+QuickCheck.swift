import Glibc
public import SwarmTypes

/// What a look at sizes and times says of a torrent's files, without reading them.
public enum QuickCheck: Hashable, Sendable {
    /// As they were left.
    case unchanged
    /// As they were left, but for files that were being written: these pieces have bytes there and were not recorded,
    /// since the last checkpoint could not be, or the process was killed. A check finds those that are whole. Another
    /// program may have changed these files as well: what was had of them is proved when a peer first asks for it.
    case goneOn(pieces: Bitfield, files: [Int])
    /// The torrent needs a check: which file differs first, how, and the numbers of all that do.
    case changed(path: String, FileDifference, files: [Int])
}

public enum FileDifference: Hashable, Sendable {
    case missing
    case size(was: Int64, is: Int64)
    /// It was written to after it was complete.
    case changedLater
    /// It is there, though nothing was recorded.
    case appeared
}

extension TorrentStore {
    /// Compares the files with what the last checkpoint saw: one `stat` each, no payload.
    ///
    /// A file that was still being written may have gone on since, but not shrunk. Without a checkpoint (`recorded` is
    /// empty) every file that is there with something in it is a difference.
    public func quickCheck(
        against recorded: [FileStamp], completion: @escaping (Result<QuickCheck, StorageFailure>) -> Void
    ) {
        let (files, have) = (self.files, self.have)
        self.perform { _ in
            compare(files, recorded, have)
        } _: { result in
            switch result {
            case .success(.unchanged): self.stamps = recorded
            case .success(.goneOn(_, let files)):
                self.stamps = recorded
                self.doubt(files)
            case .success(.changed), .failure: break
            }
            completion(result)
        }
    }
}

private func compare(
    _ files: FileSet, _ recorded: [FileStamp], _ have: Bitfield
) -> Result<QuickCheck, StorageFailure> {
    var newer = Bitfield(count: have.count)
    var goneOn: [Int] = []
    var first: (file: Int, difference: FileDifference)?
    var differing: [Int] = []
    do throws(StorageFailure) {
        for file in 0..<files.layout.fileCount where !files.layout.isPad(file) {
            let found = try files.status(ofFile: file)
            let old = file < recorded.count ? recorded[file] : .absent
            let isNew = recorded.isEmpty && found.map { $0.size > 0 } ?? false
            guard let difference = isNew ? .appeared : difference(found, old) else {
                if let found, !old.isSettled, found.size != old.size || found.changedAt != old.changedAt {
                    goneOn.append(file)
                    try files.findBytes(ofFile: file, notIn: have, into: &newer)
                }
                continue
            }
            differing.append(file)
            if first == nil { first = (file, difference) }
        }
    } catch {
        return .failure(error)
    }
    guard let first else {
        return .success(goneOn.isEmpty ? .unchanged : .goneOn(pieces: newer, files: goneOn))
    }
    return .success(.changed(path: files.fullPath(ofFile: first.file), first.difference, files: differing))
}

private func difference(_ found: FileSet.Status?, _ old: FileStamp) -> FileDifference? {
    guard let found else { return old.size < 0 ? nil : .missing }
    // A file that came after the checkpoint was begun by the download that went on.
    guard old.size >= 0 else { return nil }
    if found.size < old.size || (old.isSettled && found.size != old.size) {
        return .size(was: old.size, is: found.size)
    }
    return old.isSettled && found.changedAt != old.changedAt ? .changedLater : nil
}

extension FileSet {
    /// The pieces that are not had and for which the file has more than a hole. What cannot tell holes has none.
    fileprivate func findBytes(
        ofFile file: Int, notIn have: Bitfield, into pieces: inout Bitfield
    ) throws(StorageFailure) {
        guard try !self.usesPartFile(file) else { return }
        let descriptor = try self.open(file, forWriting: false)
        let start = self.layout.start(ofFile: file)
        let length = Int64(self.layout.geometry.pieceLength)
        // SEEK_DATA, which Glibc's module does not show.
        let seekData: Int32 = 3
        for piece in self.layout.pieces(ofFile: file) where !have[piece] {
            let first = max(0, Int64(piece) * length - start)
            let end = min(self.layout.length(ofFile: file), (Int64(piece) + 1) * length - start)
            let found = lseek(descriptor.number, off_t(first), seekData)
            // ENXIO: nothing follows. Anything else: the file system cannot tell.
            if found < 0, errno == ENXIO { return }
            if found < 0 || Int64(found) < end { pieces.set(piece) }
        }
    }
}
