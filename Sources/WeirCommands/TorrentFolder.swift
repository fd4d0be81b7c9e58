import EventIO
import Glibc
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentEngine

/// The torrent files of a folder, listed and then read a slice at a time on a thread of their own.
///
/// `@unchecked Sendable`: its list is touched on its thread alone, the thread's own handle by its owner.
final class TorrentFolder: @unchecked Sendable {
    /// One file, as far as the engine needs it.
    struct Entry: Sendable {
        var file: String
        var content: Result<Content, MetainfoUnavailable>
    }

    enum Content: Sendable {
        /// With the file's bytes, where they are to be kept.
        case outline(TorrentOutline, [UInt8])
        case metainfo(Metainfo)
    }

    /// Files of a slice: few enough that the loop adds them between two packets.
    private static let slice = 64

    let path: String
    /// Sorted; nil before the first slice.
    private var names: [String]?
    private var thread: EventLoop?

    /// Nil when the path is no folder.
    init?(_ path: String) throws(ServiceFailure) {
        guard let hasTorrents = visitTorrents(inFolder: path, { _ in false }) else { return nil }
        guard hasTorrents else {
            throw .badInput("\(plain(path)): there is no .torrent file in this folder")
        }
        self.path = path
    }

    deinit {
        self.thread?.stop()
        self.thread?.detach()
    }

    /// Starts its thread. Not before signals are blocked: a thread that is older would still take them, and end the
    /// process.
    func start() throws(ServiceFailure) {
        do throws(SystemCallFailure) {
            let thread = try EventLoop(name: "weir-folder")
            try thread.start()
            self.thread = thread
        } catch {
            throw .system(error.description)
        }
    }

    /// Reads the slice that begins with this number, and calls `body` on `loop` with it, empty at the end, and with the
    /// number of all files.
    /// - Parameters:
    ///   - isWhole: the metainfo is wanted, and not only its outline.
    ///   - keepsBytes: the outline comes with the file's bytes.
    func read(
        from start: Int, isWhole: Bool, keepsBytes: Bool, on loop: EventLoop,
        _ body: @escaping @Sendable (_ entries: [Entry], _ count: Int) -> Void
    ) {
        self.thread?.post { [self] in
            let names = self.names ?? self.listed()
            self.names = names
            let end = min(names.count, start + Self.slice)
            let entries = names[min(start, end)..<end].map { self.entry($0, isWhole, keepsBytes) }
            loop.post { body(entries, names.count) }
        }
    }

    private func listed() -> [String] {
        var names: [String] = []
        _ = visitTorrents(inFolder: self.path) { name in
            names.append(name)
            return true
        }
        return names.sorted()
    }

    private func entry(_ name: String, _ isWhole: Bool, _ keepsBytes: Bool) -> Entry {
        do throws(MetainfoUnavailable) {
            let metainfo = try MetainfoFile.read("\(self.path)/\(name)")
            if isWhole { return Entry(file: name, content: .success(.metainfo(metainfo))) }
            do throws(AddFailure) {
                let bytes = keepsBytes ? Array(metainfo.bytes) : []
                return Entry(file: name, content: .success(.outline(try TorrentOutline(metainfo), bytes)))
            } catch {
                throw MetainfoUnavailable("\(self.path)/\(name): \(error)")
            }
        } catch {
            return Entry(file: name, content: .failure(error))
        }
    }
}

/// Calls `body` with the names of torrent files in a folder until it answers false. Answers whether there was any; nil
/// when it is no folder.
private func visitTorrents(inFolder path: String, _ body: (String) -> Bool) -> Bool? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var isAny = false
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard name.hasSuffix(".torrent") else { continue }
        isAny = true
        if !body(name) { break }
    }
    return isAny
}
