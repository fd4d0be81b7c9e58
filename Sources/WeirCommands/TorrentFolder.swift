import EventIO
import Glibc
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentEngine

/// The torrent files of a folder, listed and then read a slice at a time on a thread of their own.
///
/// `@unchecked Sendable`: its list is touched on its thread alone.
final class TorrentFolder: @unchecked Sendable {
    /// One file, as far as the engine needs it.
    struct Entry: Sendable {
        var file: String
        var content: Result<Content, MetainfoUnavailable>
    }

    enum Content: Sendable {
        case outline(TorrentOutline)
        case metainfo(Metainfo)
    }

    /// Files of a slice: few enough that the loop adds them between two packets.
    private static let slice = 64

    let path: String
    /// Sorted; nil before the first slice.
    private var names: [String]?
    private let thread: EventLoop

    /// Nil when the path is no folder.
    init?(_ path: String) throws(ServiceFailure) {
        guard let hasTorrents = visitTorrents(inFolder: path, { _ in false }) else { return nil }
        guard hasTorrents else {
            throw .badInput("\(plain(path)): there is no .torrent file in this folder")
        }
        self.path = path
        do throws(SystemCallFailure) {
            self.thread = try EventLoop(name: "weir-folder")
            try self.thread.start()
        } catch {
            throw .system(error.description)
        }
    }

    deinit {
        self.thread.stop()
        self.thread.detach()
    }

    /// Reads the slice that begins with this number, and calls `body` on `loop` with it, empty at the end, and with the
    /// number of all files.
    /// - Parameter isWhole: the metainfo is wanted, and not only its outline.
    func read(
        from start: Int, isWhole: Bool, on loop: EventLoop,
        _ body: @escaping @Sendable (_ entries: [Entry], _ count: Int) -> Void
    ) {
        self.thread.post { [self] in
            let names = self.names ?? self.listed()
            self.names = names
            let end = min(names.count, start + Self.slice)
            let entries = names[min(start, end)..<end].map { self.entry($0, isWhole) }
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

    private func entry(_ name: String, _ isWhole: Bool) -> Entry {
        do throws(MetainfoUnavailable) {
            let metainfo = try MetainfoFile.read("\(self.path)/\(name)")
            if isWhole { return Entry(file: name, content: .success(.metainfo(metainfo))) }
            do throws(AddFailure) {
                return Entry(file: name, content: .success(.outline(try TorrentOutline(metainfo))))
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
