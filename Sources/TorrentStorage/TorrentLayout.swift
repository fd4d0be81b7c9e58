public import SwarmTypes

/// One file of a torrent, as a layout takes and gives it.
public struct FileEntry: Hashable, Sendable {
    /// Below the download directory, with the torrent's own folder; safe names with "/" between them.
    public var path: String
    public var length: Int64
    /// Filling between files (BEP 47): never written, read as zeros.
    public var isPad: Bool
    public var isExecutable: Bool
    /// What a symbolic link points to (BEP 47), in the same form as `path`. Its length is 0.
    public var symlinkTarget: String?

    public init(
        path: String, length: Int64, isPad: Bool = false, isExecutable: Bool = false,
        symlinkTarget: String? = nil
    ) {
        self.path = path
        self.length = length
        self.isPad = isPad
        self.isExecutable = isExecutable
        self.symlinkTarget = symlinkTarget
    }
}

public enum LayoutFailure: Error, Hashable, Sendable {
    /// No name, or one that is empty, `.`, `..` or holds NUL.
    case unsafePath(file: Int)
    case negativeLength(file: Int)
    /// The files' lengths do not add up to the geometry's.
    case lengthMismatch
    case tooManyNames
}

/// Where a torrent's bytes lie in its files. Flat arrays: about 20 bytes a file beside its name.
///
/// Two files of one path are the caller's mistake (`MetainfoCoding` renames the second).
public struct TorrentLayout: Sendable {
    public let geometry: PieceGeometry
    /// From the start of the torrent, in bytes; one more than there are files.
    private let starts: [Int64]
    /// Into `names`; one more than there are files.
    private let nameStarts: [UInt32]
    /// All paths, components joined by "/", one after another.
    private let names: [UInt8]
    private let flags: [Flags]
    private let symlinkTargets: [Int: String]

    private struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let pad = Flags(rawValue: 1)
        static let executable = Flags(rawValue: 2)
        static let symlink = Flags(rawValue: 4)
    }

    public init(geometry: PieceGeometry, files: some Collection<FileEntry>) throws(LayoutFailure) {
        var starts: [Int64] = [0]
        var nameStarts: [UInt32] = [0]
        var names: [UInt8] = []
        var flags: [Flags] = []
        var targets: [Int: String] = [:]
        starts.reserveCapacity(files.count + 1)
        nameStarts.reserveCapacity(files.count + 1)
        flags.reserveCapacity(files.count)
        var total: Int64 = 0
        for (index, file) in files.enumerated() {
            guard Self.isSafe(file.path), file.symlinkTarget.map(Self.isSafe) ?? true else {
                throw .unsafePath(file: index)
            }
            guard file.length >= 0, file.symlinkTarget == nil || file.length == 0 else {
                throw .negativeLength(file: index)
            }
            let (sum, overflows) = total.addingReportingOverflow(file.length)
            guard !overflows else { throw .lengthMismatch }
            total = sum
            starts.append(total)
            names.append(contentsOf: file.path.utf8)
            guard let end = UInt32(exactly: names.count) else { throw .tooManyNames }
            nameStarts.append(end)
            var flag: Flags = []
            if file.isPad { flag.insert(.pad) }
            if file.isExecutable { flag.insert(.executable) }
            if let target = file.symlinkTarget {
                flag.insert(.symlink)
                targets[index] = target
            }
            flags.append(flag)
        }
        guard total == geometry.totalLength else { throw .lengthMismatch }
        self.geometry = geometry
        self.starts = starts
        self.nameStarts = nameStarts
        self.names = names
        self.flags = flags
        self.symlinkTargets = targets
    }

    private static func isSafe(_ path: String) -> Bool {
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { name in
            !name.isEmpty && !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8)
                && !name.contains(0)
        }
    }

    public var fileCount: Int { self.flags.count }

    public func length(ofFile file: Int) -> Int64 { self.starts[file + 1] - self.starts[file] }

    /// From the start of the torrent, in bytes.
    public func start(ofFile file: Int) -> Int64 { self.starts[file] }

    public func isPad(_ file: Int) -> Bool { self.flags[file].contains(.pad) }

    public func isExecutable(_ file: Int) -> Bool { self.flags[file].contains(.executable) }

    public func isSymlink(_ file: Int) -> Bool { self.flags[file].contains(.symlink) }

    /// Below the download directory, components joined by "/".
    public func path(ofFile file: Int) -> String {
        let range = Int(self.nameStarts[file])..<Int(self.nameStarts[file + 1])
        return String(decoding: self.names[range], as: UTF8.self)
    }

    /// What a link contains: relative to its own directory, so that the tree can be moved.
    func symlinkText(ofFile file: Int) -> String? {
        guard let target = self.symlinkTargets[file] else { return nil }
        let depth = self.path(ofFile: file).utf8.count { $0 == UInt8(ascii: "/") }
        return String(repeating: "../", count: depth) + target
    }

    /// The pieces that hold a byte of the file; empty for an empty one.
    public func pieces(ofFile file: Int) -> Range<Int> {
        let length = self.length(ofFile: file)
        guard length > 0 else { return 0..<0 }
        let pieceLength = Int64(self.geometry.pieceLength)
        let first = self.starts[file] / pieceLength
        return Int(first)..<Int((self.starts[file + 1] - 1) / pieceLength + 1)
    }

    /// A part of one file.
    struct FileRange: Hashable {
        var file: Int
        /// In the file, in bytes.
        var offset: Int64
        var count: Int
    }

    /// The file that holds a byte of the torrent; `position` must be inside it. Empty files hold none.
    func file(at position: Int64) -> Int {
        var low = 0
        var high = self.flags.count - 1
        while low < high {
            let middle = (low + high) / 2
            if self.starts[middle + 1] > position { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Calls `body` with the parts that `count` bytes from `position` on lie in, in order. The range must be inside
    /// the torrent.
    func forEachRange(
        at position: Int64, count: Int, _ body: (FileRange) throws(StorageFailure) -> Void
    ) throws(StorageFailure) {
        guard count > 0 else { return }
        var file = self.file(at: position)
        var position = position
        var left = count
        while left > 0 {
            let inFile = Int(clamping: min(Int64(left), self.starts[file + 1] - position))
            if inFile > 0 {
                try body(FileRange(file: file, offset: position - self.starts[file], count: inFile))
                position += Int64(inFile)
                left -= inFile
            }
            file += 1
        }
    }
}
