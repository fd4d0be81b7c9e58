import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

@Suite("Opening a file without waiting")
struct OpeningAtOnceTests {
    /// In memory, where every kernel that has the call can do it.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/dev/shm/weir-test-XXXXXX".utf8CString)
            let made = template.withUnsafeMutableBufferPointer { buffer in
                buffer.baseAddress.flatMap { mkdtemp($0) } != nil
            }
            try #require(made)
            self.path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        deinit {
            for name in ["/f/a", "/f/b", "/f"] { remove(self.path + name) }
            remove(self.path)
        }
    }

    private func files(
        in folder: Folder, limit: Int = 16, selection: Bitfield? = nil
    ) throws -> (FileSet, SampleTorrent) {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "f/a", length: 5000), FileEntry(path: "f/b", length: 3000)],
            pieceLength: 16384, seed: 1)
        for file in 0..<2 {
            try makeFile(folder.path + "/" + sample.layout.path(ofFile: file), sample.bytes(ofFile: file))
        }
        let set = FileSet(
            torrent: sample.id, layout: sample.layout, directory: folder.path,
            cache: DescriptorCache(limit: limit), selection: selection)
        return (set, sample)
    }

    @Test("a file of an open folder is opened once, and read")
    func opens() throws {
        let folder = try Folder()
        let (files, sample) = try self.files(in: folder)
        #expect(files.openAtOnce(0) == nil, "nobody has opened the folder yet")
        _ = try files.root()
        let first = files.openAtOnce(1)
        // A kernel before 5.12 cannot.
        guard Beneath.isSupportedAtOnce else { return #expect(first == nil) }
        #expect(first != nil && first === files.openAtOnce(1))
        #expect(first?.isWritable == false && first?.medium == .memory)
        var bytes = [UInt8](repeating: 0, count: 8000)
        #expect(bytes.withUnsafeMutableBytes { files.readCached(into: $0, at: 0) })
        #expect(bytes == sample.bytes)
        #expect(files.cache.count == 3)
        files.closeAll()
        #expect(files.cache.count == 0)
    }

    @Test("what is no file of the torrent is left to those who can say why", arguments: 0..<5)
    func refuses(number: Int) throws {
        let folder = try Folder()
        var selection: Bitfield?
        if number == 0 {
            selection = Bitfield(allSet: 2)
            selection?.clear(0)
        }
        let (files, _) = try self.files(in: folder, selection: selection)
        _ = try files.root()
        let path = folder.path + "/f/a"
        switch number {
        case 0: break
        case 1: unlink(path)
        case 2:
            unlink(path)
            #expect(mkfifo(path, 0o600) == 0)
        case 3:
            unlink(path)
            #expect(symlink("/dev/null", path) == 0)
        default:
            unlink(path)
            #expect(mkdir(path, 0o700) == 0)
        }
        #expect(files.openAtOnce(0) == nil)
        #expect(files.cache.count == 1)
        #expect((files.openAtOnce(1) != nil) == Beneath.isSupportedAtOnce)
    }

    @Test("a file of a server or a program is never closed for it", arguments: [4, 16])
    func keeps(limit: Int) throws {
        func opened(_ medium: Descriptor.Medium) throws -> Descriptor {
            let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
            try #require(number >= 0)
            return Descriptor(number, isWritable: false, medium: medium)
        }
        let cache = DescriptorCache(limit: limit)
        for file in 0..<Int32(limit) {
            cache.insert(
                try opened(file == 1 ? .disk : .other), for: DescriptorCache.Key(owner: 1, file: file))
        }
        let key = DescriptorCache.Key(owner: 2, file: 0)
        #expect(cache.insertAtOnce(try opened(.memory), for: key), "the one of the disk made room")
        #expect(cache.find(DescriptorCache.Key(owner: 1, file: 1)) == nil && cache.count == limit)
        #expect(!cache.insertAtOnce(try opened(.memory), for: key), "it is there already")
        cache.remove(key)
        cache.insert(try opened(.other), for: key)
        #expect(!cache.insertAtOnce(try opened(.memory), for: DescriptorCache.Key(owner: 2, file: 1)))
        #expect(cache.count == limit)
    }
}
