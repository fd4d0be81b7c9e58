/// Texts that never appear in a line.
struct SecretSet {
    /// Shorter ones would blacken ordinary words.
    static let minimumLength = 4

    /// Longest first, so that a secret that holds another goes as a whole.
    private var secrets: [[UInt8]] = []

    /// Adds each secret, and the form in which a URL or a form body would carry it.
    mutating func insert(_ texts: [String]) {
        for text in texts where text.utf8.count >= Self.minimumLength {
            for form in [Array(text.utf8), Self.percentEncoded(text)] where !self.secrets.contains(form) {
                self.secrets.append(form)
            }
        }
        self.secrets.sort { $0.count > $1.count }
    }

    func redacting(_ text: String) -> String {
        if self.secrets.isEmpty { return text }
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var index = 0
        var hasChanged = false
        while index < bytes.count {
            if let secret = self.secrets.first(where: { bytes[index...].starts(with: $0) }) {
                output += Array(redactionMark.utf8)
                index += secret.count
                hasChanged = true
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return hasChanged ? String(decoding: output, as: UTF8.self) : text
    }

    private static func percentEncoded(_ text: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return text.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                [byte]
            default:
                [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
