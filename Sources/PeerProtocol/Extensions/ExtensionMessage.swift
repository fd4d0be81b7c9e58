/// An `extended` message of a peer, by our own numbers.
public enum ExtensionMessage: Hashable, Sendable {
    case handshake(ExtensionHandshake)
    case metadata(MetadataMessage)
    case peerExchange(PeerExchangeMessage)
    /// The piece that the sender has no more (BEP 54).
    case dontHave(UInt32)
    /// A number that we gave to nothing; to be ignored.
    case unknown(UInt8)

    /// Nil when the content is not what its kind must have, which is a `badExtensionMessage`.
    public init?(id: UInt8, payload: [UInt8]) {
        guard id != 0 else {
            guard let handshake = ExtensionHandshake(payload: payload) else { return nil }
            self = .handshake(handshake)
            return
        }
        switch ExtensionKind(rawValue: id) {
        case .metadata:
            guard let message = MetadataMessage(payload: payload) else { return nil }
            self = .metadata(message)
        case .peerExchange:
            guard let message = PeerExchangeMessage(payload: payload) else { return nil }
            self = .peerExchange(message)
        case .dontHave:
            guard payload.count == 4 else { return nil }
            self = .dontHave(payload.reduce(0) { $0 << 8 | UInt32($1) })
        case nil:
            self = .unknown(id)
        }
    }
}
