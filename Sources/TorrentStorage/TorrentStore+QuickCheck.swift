import SwarmTypes

/// What a look at sizes and times says of a torrent's files, without reading them.
public enum QuickCheck: Hashable, Sendable {
    /// As they were left.
    case unchanged
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
    /// A file that was still being written may have grown since, but not shrunk. Without a checkpoint (`recorded` is
    /// empty) every file that is there with something in it is a difference.
    public func quickCheck(
        against recorded: [FileStamp], completion: @escaping (Result<QuickCheck, StorageFailure>) -> Void
    ) {
        let files = self.files
        self.perform { _ in
            compare(files, recorded)
        } _: { result in
            if result == .success(.unchanged) { self.stamps = recorded }
            completion(result)
        }
    }
}

private func compare(_ files: FileSet, _ recorded: [FileStamp]) -> Result<QuickCheck, StorageFailure> {
    var first: (file: Int, difference: FileDifference)?
    var differing: [Int] = []
    do throws(StorageFailure) {
        for file in 0..<files.layout.fileCount where !files.layout.isPad(file) {
            let found = try files.status(ofFile: file)
            let old = file < recorded.count ? recorded[file] : .absent
            let isNew = recorded.isEmpty && found.map { $0.size > 0 } ?? false
            guard let difference = isNew ? .appeared : difference(found, old) else { continue }
            differing.append(file)
            if first == nil { first = (file, difference) }
        }
    } catch {
        return .failure(error)
    }
    guard let first else { return .success(.unchanged) }
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
