/// The 20 bytes by which a peer names itself in a handshake and to a tracker (BEP 3, BEP 20).
public struct PeerID: Hashable, Sendable {
    public static let byteCount = 20
    /// Weir's own mark and version, as BEP 20's Azureus style has it.
    public static let ownPrefix = "-WE0100-"

    private let high: UInt64
    private let middle: UInt64
    private let low: UInt32

    /// Nil unless there are 20.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.high = words[0]
        self.middle = words[1]
        self.low = UInt32(truncatingIfNeeded: words[2])
    }

    /// A new one of our own: the prefix and twelve letters or digits by chance.
    public static func own(using random: inout some RandomNumberGenerator) -> PeerID {
        let letters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        var bytes = Array(Self.ownPrefix.utf8)
        while bytes.count < Self.byteCount {
            bytes.append(letters[Int.random(in: 0..<letters.count, using: &random)])
        }
        guard let id = PeerID(bytes: bytes) else { preconditionFailure("the prefix has eight bytes") }
        return id
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for shift in stride(from: 56 as UInt64, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self.high >> shift))
        }
        for shift in stride(from: 56 as UInt64, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self.middle >> shift))
        }
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: self.low >> shift)) }
        return bytes
    }
}
