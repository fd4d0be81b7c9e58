/// What BEP 47 says of a file.
public struct FileAttributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Zeros that align the next file; never on disk.
    public static let padding = FileAttributes(rawValue: 1)
    public static let executable = FileAttributes(rawValue: 2)
    public static let hidden = FileAttributes(rawValue: 4)
    public static let symlink = FileAttributes(rawValue: 8)

    /// Unknown letters are ignored.
    init(letters: some Sequence<UInt8>) {
        self = []
        for letter in letters {
            switch letter {
            case UInt8(ascii: "p"): self.insert(.padding)
            case UInt8(ascii: "x"): self.insert(.executable)
            case UInt8(ascii: "h"): self.insert(.hidden)
            case UInt8(ascii: "l"): self.insert(.symlink)
            default: break
            }
        }
    }

    /// As BEP 47 writes them.
    var letters: String {
        var letters = ""
        if self.contains(.symlink) { letters += "l" }
        if self.contains(.executable) { letters += "x" }
        if self.contains(.hidden) { letters += "h" }
        if self.contains(.padding) { letters += "p" }
        return letters
    }
}

/// A file of a torrent, as it may stand on a disk.
public struct TorrentFile: Hashable, Sendable {
    /// Below the download folder, with `/` between components; the torrent's name is the first of them where it has several files.
    /// No component is empty, `.` or `..`, holds a separator, a control character or a change of writing direction, or is longer
    /// than 255 bytes; no two files of a torrent have equal paths, not even where upper and lower case are one, and no file's path
    /// is a folder of another. Of a pad file, which has no place on a disk, this does not hold.
    public internal(set) var path: String
    /// In bytes; 0 for a symbolic link.
    public internal(set) var length: Int64
    /// Where it begins in the torrent's sequence of pieces.
    public internal(set) var offset: Int64
    public internal(set) var attributes: FileAttributes
    /// Where a symbolic link points to: a path like `path`, so always inside the torrent. Nil for other files.
    public internal(set) var symlinkTarget: String?
    /// The root of its hash tree (BEP 52), as indices into the metainfo's `bytes`. Nil for a v1 torrent, an empty file and padding.
    public internal(set) var piecesRoot: Range<Int>? {
        get { self.rootStart.map { Int($0)..<Int($0) + InfoHashV2.byteCount } }
        set { self.rootStart = newValue.flatMap { UInt32(exactly: $0.lowerBound) } }
    }
    /// Its piece layer, as indices into the metainfo's `bytes`. Nil where there is none: it may have to be asked of peers.
    public internal(set) var pieceLayer: Range<Int>? {
        get { self.layerStart.map { Int($0)..<Int($0) + Int(self.layerByteCount) } }
        set {
            self.layerStart = newValue.flatMap { UInt32(exactly: $0.lowerBound) }
            self.layerByteCount = UInt32(clamping: newValue?.count ?? 0)
        }
    }
    // In 32 bits, because a torrent may have 300,000 files. All bencoding that is taken is below 4 GiB.
    private(set) var rootStart: UInt32?
    private(set) var layerStart: UInt32?
    private(set) var layerByteCount: UInt32 = 0

    init(path: String, length: Int64, offset: Int64, attributes: FileAttributes) {
        self.path = path
        self.length = length
        self.offset = offset
        self.attributes = attributes
    }

    public var isPadding: Bool { self.attributes.contains(.padding) }
    public var isSymlink: Bool { self.attributes.contains(.symlink) }
    /// Whether it stands on a disk as a file with bytes of its own.
    public var isStored: Bool { !self.isPadding && !self.isSymlink }

    /// By bytes and not by characters: a combining mark after a `/` would make one character of both.
    public var components: [String] {
        self.path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }
}
