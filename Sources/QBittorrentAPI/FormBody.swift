import SwarmTypes

/// The body of a POST, `application/x-www-form-urlencoded`.
struct FormBody {
    private(set) var bytes: [UInt8] = []

    /// Appends `name=value`, the value percent-encoded but for unreserved characters (RFC 3986).
    mutating func append(_ name: String, _ value: String) {
        self.begin(name)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                self.bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                self.bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    /// Appends `hashes=a|b|…`. The bars are sent as they are: 41 bytes a torrent, not 43.
    mutating func append(hashes: some Collection<TorrentID>) {
        self.begin("hashes")
        self.bytes.reserveCapacity(self.bytes.count + hashes.count * 41)
        for (place, id) in hashes.enumerated() {
            if place > 0 { self.bytes.append(UInt8(ascii: "|")) }
            self.bytes += id.hexDigits
        }
    }

    private mutating func begin(_ name: String) {
        if !self.bytes.isEmpty { self.bytes.append(UInt8(ascii: "&")) }
        self.bytes += Array(name.utf8) + [UInt8(ascii: "=")]
    }
}
