import BencodeCoding
public import SwarmTypes

/// The extensions that we take part in, with the numbers by which peers must name them to us.
public enum ExtensionKind: UInt8, Hashable, CaseIterable, Sendable {
    /// `ut_metadata` (BEP 9).
    case metadata = 1
    /// `ut_pex` (BEP 11).
    case peerExchange = 2
    /// `lt_donthave` (BEP 54).
    case dontHave = 3

    var name: String {
        switch self {
        case .dontHave: "lt_donthave"
        case .metadata: "ut_metadata"
        case .peerExchange: "ut_pex"
        }
    }
}

/// What a peer tells in an extension handshake (BEP 10): each part may be missing, and several may come one after the
/// other, of which the later ones change the earlier.
public struct ExtensionHandshake: Hashable, Sendable {
    /// The sender's number for each extension that it names; zero switches one off.
    public var numbers: [ExtensionKind: UInt8] = [:]
    /// At most 64 bytes, without control characters.
    public var clientName: String?
    public var listenPort: UInt16?
    /// How many requests it keeps; what comes beyond may be dropped. At least 1.
    public var requestQueue: Int?
    /// The receiver's address as the sender sees it, without a port.
    public var yourAddress: PeerAddress?
    /// Of the info dictionary, in bytes. More than zero, and no more is known about it.
    public var metadataSize: Int?
    /// Wants nothing any more (BEP 21).
    public var isUploadOnly: Bool?

    public init() {}

    /// Ours.
    public init(
        extensions: Set<ExtensionKind>, clientName: String, listenPort: UInt16?, requestQueue: Int = 1000,
        yourAddress: PeerAddress?, metadataSize: Int?, isUploadOnly: Bool
    ) {
        for kind in extensions { self.numbers[kind] = kind.rawValue }
        self.clientName = clientName
        self.listenPort = listenPort
        self.requestQueue = requestQueue
        self.yourAddress = yourAddress
        self.metadataSize = metadataSize
        self.isUploadOnly = isUploadOnly
    }

    /// The number to put into a message for the sender of this handshake; nil when it does not take that kind.
    public func number(of kind: ExtensionKind) -> UInt8? { self.numbers[kind].flatMap { $0 == 0 ? nil : $0 } }

    /// Brings what is known of a peer up to date with another handshake of it.
    public mutating func update(with later: ExtensionHandshake) {
        self.numbers.merge(later.numbers) { $1 }
        self.clientName = later.clientName ?? self.clientName
        self.listenPort = later.listenPort ?? self.listenPort
        self.requestQueue = later.requestQueue ?? self.requestQueue
        self.yourAddress = later.yourAddress ?? self.yourAddress
        self.metadataSize = later.metadataSize ?? self.metadataSize
        self.isUploadOnly = later.isUploadOnly ?? self.isUploadOnly
    }
}

extension ExtensionHandshake {
    /// Nil when it is not a bencoded dictionary. Parts that make no sense are left out.
    public init?(payload: [UInt8]) {
        guard let document = try? BencodeDocument(payload, limits: .extensionMessage),
            document.root.kind == .dictionary
        else { return nil }
        let root = document.root
        for kind in ExtensionKind.allCases {
            self.numbers[kind] = root["m"]?[kind.name]?.integer.flatMap { UInt8(exactly: $0) }
        }
        self.clientName = root["v"]?.bytes.flatMap(Self.displayText)
        self.listenPort = root["p"]?.integer.flatMap { UInt16(exactly: $0) }.flatMap { $0 == 0 ? nil : $0 }
        self.requestQueue = Self.positive(root["reqq"])
        self.yourAddress = root["yourip"]?.bytes.flatMap { PeerAddress(compact: $0 + [0, 0]) }
        self.metadataSize = Self.positive(root["metadata_size"])
        self.isUploadOnly = root["upload_only"]?.integer.map { $0 != 0 }
    }

    public var payload: [UInt8] {
        var writer = BencodeWriter()
        writer.dictionary { writer in
            writer.key("m")
            writer.dictionary { writer in
                for kind in self.numbers.keys.sorted(by: { $0.name < $1.name }) {
                    writer.member(kind.name, Int64(self.numbers[kind] ?? 0))
                }
            }
            if let size = self.metadataSize { writer.member("metadata_size", Int64(size)) }
            if let port = self.listenPort { writer.member("p", Int64(port)) }
            if let count = self.requestQueue { writer.member("reqq", Int64(count)) }
            if let isUploadOnly = self.isUploadOnly { writer.member("upload_only", isUploadOnly ? 1 : 0) }
            if let name = self.clientName { writer.member("v", name) }
            if let address = self.yourAddress {
                writer.member("yourip", bytes: address.compact.dropLast(2))
            }
        }
        return writer.bytes
    }

    private static func positive(_ value: BencodeValue?) -> Int? {
        value?.integer.flatMap { Int(exactly: $0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func displayText(_ bytes: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: bytes.prefix(64), as: UTF8.self)
        let shown = text.unicodeScalars.filter { !$0.properties.isControlOrFormat && $0 != "\u{FFFD}" }
        return shown.isEmpty ? nil : String(String.UnicodeScalarView(shown))
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isControlOrFormat: Bool {
        switch self.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            true
        default: false
        }
    }
}

extension BencodeLimits {
    /// A real one has a few dozen values.
    static let extensionMessage = BencodeLimits(
        byteCount: Int(MessageLimits.extended), depth: 8, tokenCount: 1000)
}
