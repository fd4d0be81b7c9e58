import EventIO
import Glibc
import SwarmTypes

/// Looks into folders for .torrent and .magnet files, on a thread of its own, since a disk may keep it waiting.
///
/// A file is taken when it was the same at two looks, so that none is read while it is being written. What was taken is
/// renamed, `.added` or `.invalid` at its end, and never looked at again.
///
/// The state is touched on that thread only, which is the proof of the unchecked promise.
final class WatchedFolders: @unchecked Sendable {
    enum Found: Sendable {
        case torrent([UInt8])
        case link(String)
    }

    enum Verdict: Sendable {
        case added
        case invalid
        /// It is tried again at the next look.
        case later
    }

    private struct Stamp: Hashable {
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    private static let pauseSeconds = 5.0
    private static let maximumBytes = 64 << 20
    /// Of one look, so that a heap of files does not fill the memory.
    private static let mostAtOnce = 50

    private let thread: EventLoop
    private let take: @Sendable (String, Found) -> Void
    private var folders: [String] = []
    /// Files that were seen at the last look.
    private var seen: [String: Stamp] = [:]
    /// Files that were handed over, and no verdict has come.
    private var pending: Set<String> = []
    private var isTicking = false

    /// - Parameter take: called on the thread of the folders with each file; answer by `settle`.
    init(_ take: @escaping @Sendable (String, Found) -> Void) throws(SystemCallFailure) {
        self.thread = try EventLoop(name: "weir-watch")
        self.take = take
        try self.thread.start()
    }

    func watch(_ folders: [String]) {
        self.thread.post {
            self.folders = folders
            guard !self.isTicking else { return }
            self.isTicking = true
            self.tick()
        }
    }

    func stop() { self.thread.stop() }

    /// What has become of a file.
    func settle(_ path: String, _ verdict: Verdict) {
        self.thread.post {
            self.pending.remove(path)
            switch verdict {
            case .added: self.rename(path, ".added")
            case .invalid: self.rename(path, ".invalid")
            case .later: break
            }
        }
    }

    private func tick() {
        guard !self.folders.isEmpty else {
            self.isTicking = false
            return
        }
        var now: [String: Stamp] = [:]
        for folder in self.folders { self.look(into: folder, &now) }
        self.seen = now
        self.thread.schedule(afterSeconds: Self.pauseSeconds) { self.tick() }
    }

    private func look(into folder: String, _ now: inout [String: Stamp]) {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        while self.pending.count < Self.mostAtOnce, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isTorrent = name.lowercased().hasSuffix(".torrent")
            guard isTorrent || name.lowercased().hasSuffix(".magnet") else { continue }
            let path = folder + "/" + name
            guard !self.pending.contains(path), let stamp = Self.stamp(of: path) else { continue }
            now[path] = stamp
            guard self.seen[path] == stamp, let bytes = Self.bytes(of: path) else { continue }
            self.pending.insert(path)
            self.take(path, isTorrent ? .torrent(bytes) : .link(Self.firstLine(of: bytes)))
        }
    }

    private static func firstLine(of bytes: [UInt8]) -> String {
        let line = bytes.drop { $0 <= 0x20 }.prefix { $0 > 0x20 }
        return String(decoding: line, as: UTF8.self)
    }

    /// Nil for what is no file.
    private static func stamp(of path: String) -> Stamp? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Stamp(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private static func bytes(of path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= Self.maximumBytes {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += chunk[..<count]
        }
        return nil
    }

    /// A file of that name that is there already stays: the new one gets a number.
    private func rename(_ path: String, _ ending: String) {
        for number in 0..<1000 {
            let target = path + ending + (number == 0 ? "" : ".\(number)")
            if link(path, target) == 0 {
                unlink(path)
                return
            }
            guard errno == EEXIST else { break }
        }
        // File systems without hard links.
        _ = Glibc.rename(path, path + ending)
    }
}
