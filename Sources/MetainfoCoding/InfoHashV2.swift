import ByteCoding
public import SwarmTypes

/// The SHA-256 info-hash of a v2 or hybrid torrent (BEP 52).
public struct InfoHashV2: Hashable, Sendable {
    public static let byteCount = 32

    private let words: SIMD4<UInt64>

    /// Nil unless there are 32.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = words
    }

    /// Nil unless it is 64 hexadecimal digits.
    public init?(hex: String) {
        guard let bytes = hexDecoded(Array(hex.utf8)) else { return nil }
        self.init(bytes: bytes)
    }

    public var bytes: [UInt8] {
        (0..<Self.byteCount).map { index in
            UInt8(truncatingIfNeeded: self.words[index / 8] >> UInt64(56 - index % 8 * 8))
        }
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { hexEncoded(self.bytes) }

    /// The first 20 bytes, by which peers and trackers know the torrent.
    public var truncated: TorrentID {
        guard let id = TorrentID(bytes: self.bytes.prefix(TorrentID.byteCount)) else {
            preconditionFailure("20 of 32 bytes are 20 bytes")
        }
        return id
    }
}

extension InfoHashV2: CustomStringConvertible {
    public var description: String { self.hex }
}
