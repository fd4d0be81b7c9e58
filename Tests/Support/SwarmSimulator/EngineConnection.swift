import PeerProtocol
import SwarmCore
import SwarmTypes

/// A connection of an `EngineHost`.
final class EngineConnection {
    enum Phase {
        case dialling
        case opening(HandshakeMachine<ToyEncryption>)
        case open
    }

    static let openingSeconds = 10.0

    let number: Int
    let address: PeerAddress
    let isOutgoing: Bool
    let startedAt: Instant
    let dialEncryption: EncryptionPolicy
    var phase = Phase.dialling
    /// Nil while it is dialled.
    var end: ConnectionEnd?
    var slot: PeerSlot?
    var scanner = FrameScanner(pieceCount: nil, supportsFast: true)
    var isEncrypted = false
    /// Said and not sent yet.
    var messages: [PeerMessage] = []
    /// With the disk.
    var reading: UploadRun?

    init(
        number: Int, address: PeerAddress, isOutgoing: Bool, dialEncryption: EncryptionPolicy, at now: Instant
    ) {
        self.number = number
        self.address = address
        self.isOutgoing = isOutgoing
        self.dialEncryption = dialEncryption
        self.startedAt = now
    }

    var host: PeerAddress { self.address.with(port: 0) }
}
