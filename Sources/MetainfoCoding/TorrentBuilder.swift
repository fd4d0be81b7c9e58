public import SwarmTypes

/// What its maker decides about a torrent, apart from the files.
public struct TorrentOptions: Hashable, Sendable {
    public var version = TorrentVersion.v1
    /// A power of two, at least 16 KiB. Nil: by the size of the files.
    public var pieceLength: UInt32?
    public var isPrivate = false
    public var source: String?
    /// Comment, creator and date are written as they are given; trackers and web seeds too.
    public var announcement = Announcement()

    public init() {}
}

/// Why no torrent can be made of some files.
public enum TorrentBuildFailure: Error, Hashable, Sendable {
    case noContent
    case badPieceLength(UInt32)
    case tooManyPieces(limit: Int)
    case tooManyFiles(limit: Int)
    /// A name that cannot be one component of a path.
    case badName(String)
    case tooMuchContent
    case hashingFailed
}

extension TorrentBuildFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noContent: "there is no file with any content"
        case .badPieceLength(let length):
            "a piece length of \(length) bytes is not allowed: it has to be a power of two from 16 KiB to 1 GiB"
        case .tooManyPieces(let limit):
            "there would be more than \(limit) pieces; take a greater piece length"
        case .tooManyFiles(let limit): "there are more than \(limit) files"
        case .badName(let name): "\"\(name)\" cannot be the name of a file in a torrent"
        case .tooMuchContent: "the files are larger than any torrent can describe"
        case .hashingFailed: "a digest could not be computed on this machine"
        }
    }
}

/// Lays files out in pieces and writes a torrent of them once the pieces are hashed.
public struct TorrentBuilder: Sendable {
    public struct File: Hashable, Sendable {
        /// Below the torrent's own folder; of a torrent of one file, one component, its name.
        public var components: [String]
        public var length: Int64

        public init(components: [String], length: Int64) {
            self.components = components
            self.length = length
        }
    }

    /// A part of a piece: of a file, or zeros that align the next one.
    public struct Segment: Hashable, Sendable {
        /// In `files`; nil for padding.
        public var file: Int?
        /// In the file, or in the padding.
        public var offset: Int64
        public var length: Int64

        public init(file: Int?, offset: Int64, length: Int64) {
            self.file = file
            self.offset = offset
            self.length = length
        }
    }

    struct Placed: Hashable, Sendable {
        /// Nil for padding.
        var file: Int?
        var offset: Int64
        var length: Int64
    }

    public let name: String
    public let isMultiFile: Bool
    /// In the order of the torrent: by the bytes of their components, as BEP 52's tree has them, whatever the order they came in.
    public let files: [File]
    public let options: TorrentOptions
    public let geometry: PieceGeometry
    let placed: [Placed]

    /// - Parameter isMultiFile: whether the files stand in a folder of the torrent's name. Else there is one of them.
    public init(
        name: String, isMultiFile: Bool, files: [File], options: TorrentOptions,
        limits: MetainfoLimits = .standard
    ) throws(TorrentBuildFailure) {
        guard isUsable(name) else { throw .badName(name) }
        guard files.count <= limits.fileCount else { throw .tooManyFiles(limit: limits.fileCount) }
        var total: Int64 = 0
        for file in files {
            for component in file.components where !isUsable(component) { throw .badName(component) }
            // A quarter of the range, so that padding cannot leave it.
            guard file.length >= 0, file.length <= Int64.max / 4 - total else { throw .tooMuchContent }
            total += file.length
        }
        guard total > 0, !files.contains(where: \.components.isEmpty), isMultiFile || files.count == 1 else {
            throw .noContent
        }
        let pieceLength = options.pieceLength ?? Self.pieceLength(forContent: total)
        guard pieceLength >= PieceGeometry.blockLength, pieceLength <= 1 << 30,
            pieceLength & (pieceLength - 1) == 0
        else { throw .badPieceLength(pieceLength) }
        let sorted = files.sorted { Self.precedes($0.components, $1.components) }
        // A file twice, or below another one: such neighbours stand side by side in this order.
        for (left, right) in zip(sorted, sorted.dropFirst())
        where right.components.starts(with: left.components, by: { $0.utf8.elementsEqual($1.utf8) }) {
            throw .badName(right.components.last ?? "")
        }
        let placed = Self.place(sorted, version: options.version, pieceLength: Int64(pieceLength))
        guard let last = placed.last,
            let geometry = PieceGeometry(totalLength: last.offset + last.length, pieceLength: pieceLength),
            geometry.pieceCount <= limits.pieceCount
        else { throw .tooManyPieces(limit: limits.pieceCount) }
        self.name = name
        self.isMultiFile = isMultiFile
        self.files = sorted
        self.options = options
        self.geometry = geometry
        self.placed = placed
    }

    /// The order of files in a torrent: that of BEP 52's tree, by the bytes of one component after another.
    public static func precedes(_ left: [String], _ right: [String]) -> Bool {
        left.lexicographicallyPrecedes(right) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A power of two from 16 KiB to 16 MiB that makes at most 2,048 pieces, or more where even 16 MiB make more. Small enough
    /// to find a bad piece soon, large enough for a small torrent file.
    public static func pieceLength(forContent byteCount: Int64) -> UInt32 {
        var length: Int64 = 16 << 10
        while length < 16 << 20, byteCount / length >= 2048 { length *= 2 }
        // The standard limit of pieces, with room for what alignment adds.
        while length < 1 << 30, byteCount / length >= 1 << 20 { length *= 2 }
        return UInt32(truncatingIfNeeded: length)
    }

    private static func place(_ files: [File], version: TorrentVersion, pieceLength: Int64) -> [Placed] {
        var placed: [Placed] = []
        var offset: Int64 = 0
        for (index, file) in files.enumerated() {
            let over = offset % pieceLength
            if version != .v1, over > 0, file.length > 0 {
                placed.append(Placed(file: nil, offset: offset, length: pieceLength - over))
                offset += pieceLength - over
            }
            placed.append(Placed(file: index, offset: offset, length: file.length))
            offset += file.length
        }
        return placed
    }

    /// Of a piece, in order, without empty ones. What of it is hashed for v2 are the segments of files.
    public func segments(ofPiece piece: Int) -> [Segment] {
        var position = Int64(self.geometry.pieceLength) * Int64(piece)
        let end = position + Int64(self.geometry.length(ofPiece: piece))
        // The first that ends behind the position.
        var (low, high) = (0, self.placed.count)
        while low < high {
            let middle = (low + high) / 2
            let place = self.placed[middle]
            if place.offset + place.length > position { high = middle } else { low = middle + 1 }
        }
        var segments: [Segment] = []
        while position < end, low < self.placed.count {
            let place = self.placed[low]
            let length = min(end, place.offset + place.length) - position
            if length > 0 {
                segments.append(
                    Segment(file: place.file, offset: position - place.offset, length: length))
            }
            position += length
            low += 1
        }
        return segments
    }

    /// Whether v2's hash of this file's pieces spans a whole piece also where the file ends within one.
    public func hasPieceLayer(file: Int) -> Bool {
        self.files[file].length > Int64(self.geometry.pieceLength)
    }
}

private func isUsable(_ component: String) -> Bool {
    !component.isEmpty && component != "." && component != ".."
        && !component.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
}
