import BencodeCoding
import SwarmTypes

/// The files of an info dictionary, as `files` or `length` (BEP 3) and as `file tree` (BEP 52) describe them.
struct FileList {
    private(set) var files: [TorrentFile] = []
    private(set) var isMultiFile = false
    /// Of the sequence of pieces, with padding.
    private(set) var totalLength: Int64 = 0
    private var pathByteCount = 0

    init(
        _ info: BencodeValue, name: String, _ version: TorrentVersion, pieceLength: UInt32,
        limits: MetainfoLimits
    ) throws(MetainfoFailure) {
        if version != .v1 {
            try self.readTree(info, name: name, pieceLength: Int64(pieceLength), limits: limits)
        }
        guard version != .v2 else { return }
        let tree = self.files
        (self.files, self.isMultiFile, self.totalLength, self.pathByteCount) = ([], false, 0, 0)
        try self.readV1(info, name: name, limits: limits)
        if version == .hybrid { try self.compare(with: tree) }
    }

    mutating func makePathsUnique(_ limits: MetainfoLimits) throws(MetainfoFailure) {
        guard self.files.count > 1 else { return }
        var registry = PathRegistry()
        for file in self.files where !file.isPadding { registry.noteFolders(above: file.path) }
        for index in self.files.indices where !self.files[index].isPadding {
            self.files[index].path = registry.unique(self.files[index].path)
            guard registry.renamedCount <= limits.duplicateNameCount else {
                throw .tooManyDuplicateNames(limit: limits.duplicateNameCount)
            }
        }
    }

    // MARK: BEP 3

    private mutating func readV1(
        _ info: BencodeValue, name: String, limits: MetainfoLimits
    ) throws(MetainfoFailure) {
        guard let list = info["files"] else {
            guard let length = info["length"]?.integer else { throw .noFiles }
            guard length >= 0 else { throw .badFileLength(file: 0) }
            let attributes = FileAttributes(letters: info["attr"]?.bytes ?? [])
            // One file of padding, or one link, would be a torrent of nothing.
            try self.append(name, length: length, attributes.subtracting([.padding, .symlink]), limits)
            return
        }
        guard info["length"] == nil else { throw .lengthAndFiles }
        guard let list = list.list, !list.isEmpty else { throw .noFiles }
        self.isMultiFile = true
        for value in list {
            let file = self.files.count
            guard value.kind == .dictionary else { throw .badFile(file: file) }
            let attributes = FileAttributes(letters: value["attr"]?.bytes ?? [])
            let isSymlink = attributes.contains(.symlink)
            guard let length = isSymlink ? 0 : value["length"]?.integer, length >= 0 else {
                throw .badFileLength(file: file)
            }
            var path = name + "/.pad/\(length)"
            if let found = try value.path(below: name, "path.utf-8", "path", file, limits) {
                path = found
            } else if !attributes.contains(.padding) {
                throw .badPath(file: file)
            }
            try self.append(path, length: length, attributes, limits)
            if isSymlink { try self.setSymlinkTarget(value, name: name, limits) }
        }
    }

    /// Of the last file.
    private mutating func setSymlinkTarget(
        _ value: BencodeValue, name: String, _ limits: MetainfoLimits
    ) throws(MetainfoFailure) {
        let file = self.files.count - 1
        guard
            let target = try value.path(below: name, "symlink path.utf-8", "symlink path", file, limits)
        else { throw .badSymlink(file: file) }
        try self.count(target, limits)
        self.files[file].symlinkTarget = target
    }

    private mutating func append(
        _ path: String, length: Int64, _ attributes: FileAttributes, _ limits: MetainfoLimits
    ) throws(MetainfoFailure) {
        guard self.files.count < limits.fileCount else { throw .tooManyFiles(limit: limits.fileCount) }
        let (total, isOverflowing) = self.totalLength.addingReportingOverflow(length)
        guard !isOverflowing else { throw .tooMuchContent }
        try self.count(path, limits)
        self.files.append(
            TorrentFile(path: path, length: length, offset: self.totalLength, attributes: attributes))
        self.totalLength = total
    }

    private mutating func count(_ path: String, _ limits: MetainfoLimits) throws(MetainfoFailure) {
        self.pathByteCount += path.utf8.count
        guard self.pathByteCount <= limits.totalPathByteCount else {
            throw .pathsTooLong(limit: limits.totalPathByteCount)
        }
    }

    // MARK: BEP 52

    private mutating func readTree(
        _ info: BencodeValue, name: String, pieceLength: Int64, limits: MetainfoLimits
    ) throws(MetainfoFailure) {
        guard let tree = info["file tree"], let members = tree.dictionary, !members.isEmpty else {
            throw .badFileTree
        }
        // One file that is all of the torrent has no folder around it.
        var isSingle = info["files"] == nil
        for (place, member) in members.enumerated() where place > 0 || member.value[""] == nil {
            isSingle = false
            break
        }
        self.isMultiFile = !isSingle
        let walk = TreeWalk(name: name, pieceLength: pieceLength, limits: limits)
        try self.readFolder(members, path: isSingle ? "" : name + "/", depth: 1, walk)
    }

    private struct TreeWalk {
        var name: String
        var pieceLength: Int64
        var limits: MetainfoLimits
    }

    /// Calls itself for each folder: as deep as the decoder allows.
    private mutating func readFolder(
        _ members: BencodeMembers, path: String, depth: Int, _ walk: TreeWalk
    ) throws(MetainfoFailure) {
        for (key, value) in members {
            guard !key.isEmpty, let entries = value.dictionary else { throw .badFileTree }
            let here = path + safeComponent(key)
            guard let file = value[""] else {
                guard depth < walk.limits.pathDepth, here.utf8.count < walk.limits.pathByteCount else {
                    throw .pathTooLong(file: self.files.count)
                }
                try self.readFolder(entries, path: here + "/", depth: depth + 1, walk)
                continue
            }
            guard entries.hasOneMember, file.kind == .dictionary else { throw .badFileTree }
            try self.readTreeFile(file, path: here, walk)
        }
    }

    private mutating func readTreeFile(
        _ value: BencodeValue, path: String, _ walk: TreeWalk
    ) throws(MetainfoFailure) {
        let file = self.files.count
        guard path.utf8.count <= walk.limits.pathByteCount else { throw .pathTooLong(file: file) }
        let attributes = FileAttributes(letters: value["attr"]?.bytes ?? [])
        guard !attributes.contains(.padding) else { throw .padFileInTree(file: file) }
        let isSymlink = attributes.contains(.symlink)
        guard let length = isSymlink ? 0 : value["length"]?.integer, length >= 0 else {
            throw .badFileLength(file: file)
        }
        if length > 0 {
            let (rounded, isOverflowing) = self.totalLength.addingReportingOverflow(walk.pieceLength - 1)
            guard !isOverflowing else { throw .tooMuchContent }
            self.totalLength = rounded & ~(walk.pieceLength - 1)
        }
        try self.append(path, length: length, attributes, walk.limits)
        if isSymlink { try self.setSymlinkTarget(value, name: walk.name, walk.limits) }
        guard length > 0 else { return }
        guard let root = value["pieces root"]?.bytes, root.count == InfoHashV2.byteCount,
            root.contains(where: { $0 != 0 })
        else { throw .badPiecesRoot(file: file) }
        self.files[file].piecesRoot = root.indices
    }

    /// BEP 52 asks that both descriptions are of the same files at the same places. Takes over what only the tree says.
    private mutating func compare(with tree: [TorrentFile]) throws(MetainfoFailure) {
        var others = tree.makeIterator()
        for index in self.files.indices where !self.files[index].isPadding {
            let file = self.files[index]
            guard let other = others.next(), file.path == other.path, file.length == other.length,
                file.offset == other.offset || file.length == 0, file.isSymlink == other.isSymlink
            else { throw .versionsDisagree(file: index) }
            self.files[index].piecesRoot = other.piecesRoot
        }
        guard others.next() == nil else { throw .versionsDisagree(file: self.files.count) }
    }

    // MARK: Piece layers

    mutating func attach(
        _ layers: BencodeValue, in bytes: ArraySlice<UInt8>, pieceLength: UInt32, hashing: MetainfoHashing
    ) throws(MetainfoFailure) {
        var checker = try PieceLayerChecker(layers, pieceLength: pieceLength)
        for index in self.files.indices where self.files[index].length > Int64(pieceLength) {
            guard let root = self.files[index].piecesRoot else { continue }
            self.files[index].pieceLayer = try checker.layer(
                ofFile: index, length: self.files[index].length, root: bytes[root], in: bytes, hashing)
        }
        try checker.finish()
    }
}

extension BencodeMembers {
    var hasOneMember: Bool {
        var members = self.makeIterator()
        return members.next() != nil && members.next() == nil
    }
}

extension BencodeValue {
    /// The path that a list of names under one of two keys means, below a folder. Nil when there is none.
    fileprivate func path(
        below folder: String, _ utf8Key: String, _ key: String, _ file: Int, _ limits: MetainfoLimits
    ) throws(MetainfoFailure) -> String? {
        guard let list = (self[utf8Key] ?? self[key])?.list, !list.isEmpty else { return nil }
        var path = folder
        var depth = 0
        for component in list {
            guard let bytes = component.bytes else { throw .badPath(file: file) }
            depth += 1
            path += "/"
            path += safeComponent(bytes)
            guard depth <= limits.pathDepth, path.utf8.count <= limits.pathByteCount else {
                throw .pathTooLong(file: file)
            }
        }
        return path
    }
}
