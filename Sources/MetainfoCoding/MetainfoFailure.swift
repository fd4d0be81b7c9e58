public import BencodeCoding

/// Why bytes are not a torrent that we take. Files are counted from zero, in the order of the torrent.
public enum MetainfoFailure: Error, Hashable, Sendable {
    case bencoding(BencodeFailure)
    case notADictionary
    case noInfo
    case infoTooLong(count: Int, limit: Int)
    /// One key twice in the info dictionary: readers could differ about what the hash stands for.
    case duplicateKeys
    /// BEP 52 allows one spelling only.
    case notCanonical(BencodeFlaws)
    case unsupportedVersion(Int64)
    case noName
    case noPieceLength
    case badPieceLength(Int64)
    case tooManyPieces(limit: Int)
    /// Neither `pieces` nor a file tree.
    case noPieces
    /// `pieces` is no string of whole SHA-1 digests.
    case raggedPieces(byteCount: Int)
    case wrongPieceCount(expected: Int, found: Int)
    /// Neither `length` nor `files`.
    case noFiles
    /// `length` and `files` both, which BEP 3 excludes.
    case lengthAndFiles
    case badFile(file: Int)
    case badFileLength(file: Int)
    case badPath(file: Int)
    case pathTooLong(file: Int)
    /// The paths of all files together.
    case pathsTooLong(limit: Int)
    case badSymlink(file: Int)
    /// The files together have no byte.
    case noContent
    case tooMuchContent
    case tooManyFiles(limit: Int)
    case tooManyDuplicateNames(limit: Int)
    case badFileTree
    case badPiecesRoot(file: Int)
    /// BEP 52 knows no pad files: alignment is implied.
    case padFileInTree(file: Int)
    /// The two descriptions in a hybrid torrent differ from this file on.
    case versionsDisagree(file: Int)
    case badPieceLayers
    /// A piece layer of the wrong length, or whose root is not the file's.
    case badPieceLayer(file: Int)
    /// A piece layer for a root that no file of more than one piece has.
    case unknownPieceLayer
    /// The machine could not compute a digest.
    case hashingFailed
}

extension MetainfoFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .bencoding(let failure): failure.description
        case .notADictionary: "it is no torrent: its outermost value is not a dictionary"
        case .noInfo: "it has no info dictionary"
        case .infoTooLong(let count, let limit):
            "its info dictionary has \(count) bytes, more than the \(limit) that are taken"
        case .duplicateKeys:
            "a dictionary in its info has a key twice, so that clients would disagree about it"
        case .notCanonical(let flaws): "its v2 info is not canonical bencoding: \(flaws.words)"
        case .unsupportedVersion(let version): "it is of meta version \(version), which is not known here"
        case .noName: "it has no name"
        case .noPieceLength: "it has no piece length"
        case .badPieceLength(let length): "its piece length of \(length) bytes is not allowed"
        case .tooManyPieces(let limit): "it has more than \(limit) pieces"
        case .noPieces: "it has no piece hashes"
        case .raggedPieces(let count): "its piece hashes are \(count) bytes, which is no multiple of 20"
        case .wrongPieceCount(let expected, let found):
            "it has \(found) piece hashes where its files make \(expected) pieces"
        case .noFiles: "it has neither a length nor a list of files"
        case .lengthAndFiles: "it has both a length and a list of files"
        case .badFile(let file): "file \(file) is not described by a dictionary"
        case .badFileLength(let file): "file \(file) has no allowed length"
        case .badPath(let file): "file \(file) has no path"
        case .pathTooLong(let file): "file \(file) has a path that is too long or too deep"
        case .pathsTooLong(let limit): "the paths of its files are together longer than \(limit) bytes"
        case .badSymlink(let file): "file \(file) is a symbolic link without a target"
        case .noContent: "its files are all empty"
        case .tooMuchContent: "its files are larger than any file system holds"
        case .tooManyFiles(let limit): "it has more than \(limit) files"
        case .tooManyDuplicateNames(let limit): "more than \(limit) of its files have the name of another one"
        case .badFileTree: "its file tree is malformed"
        case .badPiecesRoot(let file): "file \(file) has no allowed pieces root"
        case .padFileInTree(let file):
            "file \(file) of its file tree is marked as padding, which v2 does not know"
        case .versionsDisagree(let file): "its v1 and v2 descriptions differ from file \(file) on"
        case .badPieceLayers: "its piece layers are malformed"
        case .badPieceLayer(let file): "the piece layer of file \(file) does not lead to its pieces root"
        case .unknownPieceLayer: "it has a piece layer that belongs to none of its files"
        case .hashingFailed: "a digest could not be computed on this machine"
        }
    }
}

extension BencodeFlaws {
    var words: String {
        var words: [String] = []
        if self.contains(.overlongNumber) { words.append("numbers with needless zeros") }
        if self.contains(.unsortedKeys) { words.append("keys out of order") }
        if self.contains(.duplicateKeys) { words.append("keys that come twice") }
        return words.joined(separator: ", ")
    }
}
