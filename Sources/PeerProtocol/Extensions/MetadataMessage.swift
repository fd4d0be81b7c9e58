import BencodeCoding

/// How the info dictionary is cut for its transfer (BEP 9).
public enum MetadataPieces {
    public static let length = 16 * 1024
    /// Larger ones are not fetched.
    public static let maximumSize = 32 * 1024 * 1024

    public static func count(size: Int) -> Int { size <= 0 ? 0 : (size - 1) / Self.length + 1 }

    /// Nil when there is no such piece.
    public static func range(of piece: Int, size: Int) -> Range<Int>? {
        guard piece >= 0, piece < self.count(size: size) else { return nil }
        return piece * self.length..<min(size, (piece + 1) * self.length)
    }
}

/// A message of `ut_metadata` (BEP 9).
public enum MetadataMessage: Hashable, Sendable {
    case request(piece: Int)
    case data(piece: Int, totalSize: Int?, bytes: ArraySlice<UInt8>)
    case reject(piece: Int)
    /// A type of the future; to be ignored.
    case unknown

    /// Nil when it is malformed, or names a piece that no metadata we take can have.
    public init?(payload: [UInt8]) {
        guard let document = try? BencodeDocument(prefixOf: payload[...], limits: .extensionMessage),
            let type = document.root["msg_type"]?.integer
        else { return nil }
        guard (0...2).contains(type) else {
            self = .unknown
            return
        }
        guard let piece = document.root["piece"]?.integer.flatMap({ Int(exactly: $0) }),
            piece >= 0, piece < MetadataPieces.count(size: MetadataPieces.maximumSize)
        else { return nil }
        switch type {
        case 0: self = .request(piece: piece)
        case 1:
            guard (1...MetadataPieces.length).contains(document.rest.count) else { return nil }
            let size = document.root["total_size"]?.integer.flatMap { Int(exactly: $0) }
            self = .data(piece: piece, totalSize: size, bytes: document.rest)
        default: self = .reject(piece: piece)
        }
    }

    public var payload: [UInt8] {
        switch self {
        case .request(let piece): Self.encode(type: 0, piece)
        case .data(let piece, let size, let bytes): Self.encode(type: 1, piece, size) + bytes
        case .reject(let piece): Self.encode(type: 2, piece)
        case .unknown: []
        }
    }

    private static func encode(type: Int64, _ piece: Int, _ size: Int? = nil) -> [UInt8] {
        var writer = BencodeWriter()
        writer.dictionary { writer in
            writer.member("msg_type", type)
            writer.member("piece", Int64(piece))
            if let size { writer.member("total_size", Int64(size)) }
        }
        return writer.bytes
    }
}
