/// Of a .torrent file.
let torrentMediaType = "application/x-bittorrent"

/// The part of a Content-Type header before its parameters, in lower case.
struct MediaType {
    let name: String

    init(_ header: String) {
        var bytes = Array(header.utf8.prefix { $0 != UInt8(ascii: ";") })
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        for index in bytes.indices where UInt8(ascii: "A")...UInt8(ascii: "Z") ~= bytes[index] {
            bytes[index] |= 0x20
        }
        self.name = String(decoding: bytes.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }

    var isJSON: Bool { self.name == "application/json" }
}
