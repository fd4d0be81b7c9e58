public import SwarmTypes

/// The program behind a peer id, for people (BEP 20). A peer's own `v` in the extension handshake says it better.
public struct ClientName: Hashable, Sendable, CustomStringConvertible {
    public var name: String
    /// Empty when the id does not tell.
    public var version: String

    public var description: String { self.version.isEmpty ? self.name : "\(self.name) \(self.version)" }

    /// Nil when the id follows no convention that we know.
    public init?(_ id: PeerID) {
        let bytes = id.bytes
        guard
            let found = Self.azureus(bytes) ?? Self.dashed(bytes) ?? Self.prefixed(bytes)
                ?? Self.shadow(bytes)
        else { return nil }
        self = found
    }

    private init(_ name: String, _ version: String) {
        self.name = name
        self.version = version
    }

    /// `-qB5150-`: two characters and four of the version. Some end without the second dash.
    private static func azureus(_ bytes: [UInt8]) -> ClientName? {
        guard bytes[0] == UInt8(ascii: "-"), bytes[1...2].allSatisfy(isPrintable) else { return nil }
        let code = String(decoding: bytes[1...2], as: UTF8.self)
        if code == "ML" {
            let version = bytes[3...].prefix { $0 != UInt8(ascii: "-") }
            guard version.allSatisfy({ digit($0).map { $0 < 10 } ?? ($0 == UInt8(ascii: ".")) }) else {
                return nil
            }
            return ClientName("MLdonkey", String(decoding: version, as: UTF8.self))
        }
        guard var digits = digits(bytes[3...6]) else { return nil }
        // A letter at the end tells of a stable or a test version.
        if digits[3] > 9 { digits[3] = 0 }
        guard let name = clientNames[code] else {
            guard bytes[7] == UInt8(ascii: "-") else { return nil }
            return ClientName(code, numbers(digits))
        }
        return ClientName(name, code == "TR" ? transmission(digits) : numbers(digits))
    }

    /// `M7-10-3--` and `A2-1-36-0-`: a mark, then numbers between dashes.
    private static func dashed(_ bytes: [UInt8]) -> ClientName? {
        let styles: [(String, String)] = [
            ("A2-", "aria2"), ("Q", "Queen Bee"), ("M", "BitTorrent"),
        ]
        for (mark, name) in styles where bytes.starts(with: mark.utf8) {
            let parts = bytes[mark.utf8.count...].split(separator: UInt8(ascii: "-"), maxSplits: 3)
            let version = parts.prefix(3)
            guard version.count == 3, version.joined().allSatisfy({ digit($0).map { $0 < 10 } ?? false }),
                version.allSatisfy({ $0.count <= 3 })
            else { continue }
            return ClientName(
                name, version.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "."))
        }
        return nil
    }

    private static func prefixed(_ bytes: [UInt8]) -> ClientName? {
        if bytes.starts(with: "exbc".utf8) || bytes.starts(with: "FUTB".utf8) {
            let name = bytes[6...9].elementsEqual("LORD".utf8) ? "BitLord" : "BitComet"
            return ClientName(name, "\(bytes[4]).\(bytes[5] / 10)\(bytes[5] % 10)")
        }
        if bytes.starts(with: "XBT".utf8), let digits = digits(bytes[3...5]) {
            return ClientName("XBT Client", numbers(digits))
        }
        let whole = [("AZ2500BT", "BitTyrant"), ("346------", "TorrenTopia")]
        return whole.first { bytes.starts(with: $0.0.utf8) }.map { ClientName($0.1, "") }
    }

    /// `S58B-----`: a letter, up to five characters of the version filled up with dashes, and three dashes.
    private static func shadow(_ bytes: [UInt8]) -> ClientName? {
        let names: [Character: String] = [
            "A": "ABC", "O": "Osprey Permaseed", "Q": "BTQueue", "R": "Tribler", "S": "Shadow's client",
            "T": "BitTornado", "U": "UPnP NAT BitTorrent",
        ]
        guard let name = names[Character(Unicode.Scalar(bytes[0]))],
            bytes[6...8].allSatisfy({ $0 == UInt8(ascii: "-") }),
            let digits = digits(bytes[1...5].prefix { $0 != UInt8(ascii: "-") }), !digits.isEmpty
        else { return nil }
        return ClientName(name, numbers(digits, atLeast: digits.count))
    }

    /// Version 3 and before have two numbers, of which the second has two digits; from 4 on there are three.
    private static func transmission(_ digits: [Int]) -> String {
        digits[0] < 4 ? "\(digits[0]).\(digits[1])\(digits[2])" : numbers(digits)
    }

    /// Without zeros at the end, but with two numbers at least.
    private static func numbers(_ digits: [Int], atLeast minimum: Int = 2) -> String {
        let last = digits.lastIndex { $0 != 0 } ?? 0
        return digits.prefix(max(last + 1, minimum)).map(String.init).joined(separator: ".")
    }

    /// Nil unless all are digits or letters.
    private static func digits(_ bytes: ArraySlice<UInt8>) -> [Int]? {
        let values = bytes.compactMap(digit)
        return values.count == bytes.count ? values : nil
    }

    /// Letters go on after nine, large ones first.
    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A")) + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 36
        default: nil
        }
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }
}

/// The clients with an Azureus-style mark that one meets, and those of BEP 20 that are not long gone.
private let clientNames: [String: String] = [
    "7T": "aTorrent", "AG": "Ares", "AZ": "Vuze", "BC": "BitComet", "BF": "Bitflu", "BG": "BTG",
    "BI": "BiglyBT", "BT": "BitTorrent", "CD": "Enhanced CTorrent", "CT": "CTorrent", "DE": "Deluge",
    "DP": "Propagate Data Client", "FD": "Free Download Manager", "FG": "FlashGet", "FL": "Folx",
    "FW": "FrostWire", "FX": "Freebox BitTorrent", "GT": "anacrolix torrent", "HL": "Halite",
    "IL": "iLivid", "JS": "Justseed.it", "KG": "KGet", "KT": "KTorrent", "LH": "LH-ABC", "LP": "Lphant",
    "LR": "LibreTorrent", "LT": "libtorrent", "LW": "LimeWire", "MO": "MonoTorrent", "MR": "Miro",
    "NX": "Net Transport", "PI": "PicoTorrent", "QD": "QQDownload", "RT": "Retriever", "SB": "Swiftbit",
    "SD": "Xunlei", "ST": "SymTorrent", "SZ": "Shareaza", "TL": "Tribler", "TR": "Transmission",
    "TS": "Torrentstorm", "TX": "Tixati", "UE": "µTorrent Embedded", "UL": "uLeecher!",
    "UM": "µTorrent for Mac", "UT": "µTorrent", "UW": "µTorrent Web", "WD": "WebTorrent Desktop",
    "WE": "Weir", "WT": "BitLet", "WW": "WebTorrent", "WY": "FireTorrent", "XF": "Xfplay", "XL": "Xunlei",
    "ZO": "Zona", "ZT": "ZipTorrent", "lt": "libTorrent", "qB": "qBittorrent", "rQ": "rqbit",
]
