import Glibc
import MetainfoCoding

/// A file that goes into a torrent.
struct SourceFile: Hashable, Sendable {
    /// Below the torrent's folder.
    var components: [String]
    /// As it can be opened.
    var path: String
    var length: Int64
    var modified: Moment

    struct Moment: Hashable, Sendable {
        var seconds: Int
        var nanoseconds: Int
    }
}

/// All regular files at or below a path. Symbolic links stand for what they point to.
struct SourceTree: Sendable {
    private(set) var files: [SourceFile] = []
    let isFolder: Bool
    /// Of the path, as BEP 3's name.
    let name: String

    /// Of folders below each other.
    private static let maximumDepth = 100

    init(_ path: String) throws(CreationFailure) {
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
        self.isFolder = status.st_mode & S_IFMT == S_IFDIR
        self.name = try Self.name(of: path)
        if self.isFolder {
            var above: [Identity] = []
            try self.readFolder(path, status, components: [], &above)
        } else {
            try self.take(path, status, components: [self.name])
        }
    }

    private struct Identity: Hashable {
        var device: UInt
        var inode: UInt
    }

    /// The last component, also of a path that ends in `.` or `..`.
    private static func name(of path: String) throws(CreationFailure) -> String {
        var resolved = path
        if let last = path.utf8.split(separator: UInt8(ascii: "/")).last, [".", ".."].contains(String(last)) {
            guard let absolute = realpath(path, nil) else { throw .unreadable(path: path, errno: errno) }
            resolved = String(cString: absolute)
            free(absolute)
        }
        guard let last = resolved.utf8.split(separator: UInt8(ascii: "/")).last, let name = String(last)
        else {
            throw .cannotBuild(.badName(resolved))
        }
        return name
    }

    /// Calls itself for each folder in the folder.
    private mutating func readFolder(
        _ path: String, _ status: stat, components: [String], _ above: inout [Identity]
    ) throws(CreationFailure) {
        let identity = Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
        guard !above.contains(identity), components.count < Self.maximumDepth else {
            throw .tooDeep(path: path)
        }
        above.append(identity)
        for name in try Self.names(in: path) {
            let below = "\(path)/\(name)"
            var status = stat()
            guard stat(below, &status) == 0 else { throw .unreadable(path: below, errno: errno) }
            if status.st_mode & S_IFMT == S_IFDIR {
                try self.readFolder(below, status, components: components + [name], &above)
            } else {
                try self.take(below, status, components: components + [name])
            }
        }
        above.removeLast()
    }

    private mutating func take(
        _ path: String, _ status: stat, components: [String]
    ) throws(CreationFailure) {
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        let limit = MetainfoLimits.standard.fileCount
        guard self.files.count < limit else { throw .cannotBuild(.tooManyFiles(limit: limit)) }
        self.files.append(
            SourceFile(
                components: components, path: path, length: Int64(status.st_size), modified: status.modified))
    }

    private static func names(in path: String) throws(CreationFailure) -> [String] {
        guard let folder = opendir(path) else { throw .unreadable(path: path, errno: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw .unreadable(path: path, errno: errno) }
                return names
            }
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw .nameNotUTF8(path: "\(path)/\(String(decoding: bytes, as: UTF8.self))")
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}

extension stat {
    var modified: SourceFile.Moment {
        SourceFile.Moment(seconds: self.st_mtim.tv_sec, nanoseconds: self.st_mtim.tv_nsec)
    }
}
