public import SwarmTypes

/// The first 68 bytes that each side sends (BEP 3), with the extensions that it announces in the reserved bytes.
public struct Handshake: Hashable, Sendable {
    public static let byteCount = 68
    /// Up to the end of the info-hash, which is enough to answer.
    static let headCount = 48

    public var infoHash: TorrentID
    public var peerID: PeerID
    /// BEP 6.
    public var supportsFast: Bool
    /// BEP 10.
    public var supportsExtensions: Bool
    /// BEP 5.
    public var supportsDHT: Bool

    public init(
        infoHash: TorrentID, peerID: PeerID, supportsFast: Bool = true, supportsExtensions: Bool = true,
        supportsDHT: Bool = false
    ) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.supportsFast = supportsFast
        self.supportsExtensions = supportsExtensions
        self.supportsDHT = supportsDHT
    }

    /// Nil unless there are 68 bytes that begin with the protocol's name.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount, bytes.starts(with: Self.protocolName) else { return nil }
        let reserved = Array(bytes.dropFirst(Self.protocolName.count).prefix(8))
        guard let infoHash = TorrentID(bytes: bytes.dropFirst(28).prefix(TorrentID.byteCount)),
            let peerID = PeerID(bytes: bytes.suffix(PeerID.byteCount))
        else { return nil }
        self.init(
            infoHash: infoHash, peerID: peerID, supportsFast: reserved[7] & 0x04 != 0,
            supportsExtensions: reserved[5] & 0x10 != 0, supportsDHT: reserved[7] & 0x01 != 0)
    }

    public var bytes: [UInt8] {
        var reserved = [UInt8](repeating: 0, count: 8)
        if self.supportsExtensions { reserved[5] |= 0x10 }
        if self.supportsFast { reserved[7] |= 0x04 }
        if self.supportsDHT { reserved[7] |= 0x01 }
        return Self.protocolName + reserved + self.infoHash.bytes + self.peerID.bytes
    }

    /// With its length before it.
    static let protocolName = [19] + Array("BitTorrent protocol".utf8)
}
