import CLinuxIO
import Glibc

/// Makes a folder, and those above it. Blocking.
func makeFolder(_ path: String) throws(StorageFailure) {
    var end = path.startIndex
    while end < path.endIndex {
        end = path.utf8[path.utf8.index(after: end)...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        guard mkdir(String(path[..<end]), 0o777) != 0, errno != EEXIST, errno != EISDIR else { continue }
        let code = errno
        // An existing directory may answer EROFS or EACCES before EEXIST.
        var status = stat()
        if stat(String(path[..<end]), &status) == 0, status.st_mode & S_IFMT == S_IFDIR { continue }
        throw StorageFailure(.makeDirectory, code: code, path: String(path[..<end]))
    }
}

extension StorageService {
    /// Makes a folder, and those above it, unless they are there; and looks whether files can be made in it. `body` hears what
    /// is in the way, on the loop.
    public func prepareFolder(_ path: String, _ body: @escaping (StorageFailure?) -> Void) {
        guard !self.pool.isStopping else { return body(StorageFailure(.makeDirectory, .stopped, path: path)) }
        let job = ClosureJob(
            { _ -> StorageFailure? in
                do throws(StorageFailure) {
                    try makeUsableFolder(path)
                    return nil
                } catch {
                    return error
                }
            }, body)
        self.pool.submit(job)
    }
}

private func makeUsableFolder(_ path: String) throws(StorageFailure) {
    try makeFolder(path)
    var status = stat()
    guard stat(path, &status) == 0 else { throw StorageFailure(.stat, code: errno, path: path) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
        throw StorageFailure(.makeDirectory, code: ENOTDIR, path: path)
    }
    guard access(path, W_OK | X_OK) == 0 else { throw StorageFailure(.write, code: errno, path: path) }
}
