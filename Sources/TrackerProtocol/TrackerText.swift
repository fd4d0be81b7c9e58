import SwarmTypes

/// What a tracker says to people, such as a failure reason. Comes from outside and may hold anything.
public struct TrackerText: Hashable, Sendable {
    public static let maximumBytes = 1024

    /// As it came, cut after 1 KiB, with a mark where it was no UTF-8. Not to be printed as it is.
    public let verbatim: String

    public init(_ bytes: some Collection<UInt8>) {
        var kept = Array(bytes.prefix(Self.maximumBytes))
        if let next = bytes.dropFirst(Self.maximumBytes).first, next & 0xC0 == 0x80 {
            // Not in the middle of a character, which has four bytes at most.
            for _ in 0..<3 where kept.last.map({ $0 & 0xC0 == 0x80 }) ?? false { kept.removeLast() }
            kept.removeLast()
        }
        self.verbatim = String(decoding: kept, as: UTF8.self)
    }

    public init(_ text: String) { self.init(text.utf8) }

    /// The same with "***" in the place of each of these.
    func hiding(_ secrets: [String]) -> TrackerText {
        var bytes = Array(self.verbatim.utf8)[...]
        for secret in secrets.map({ Array($0.utf8) }) where !secret.isEmpty && bytes.count >= secret.count {
            var shown: [UInt8] = []
            while let first = bytes.first {
                if bytes.starts(with: secret) {
                    shown += Array("***".utf8)
                    bytes = bytes.dropFirst(secret.count)
                } else {
                    shown.append(first)
                    bytes = bytes.dropFirst()
                }
            }
            bytes = shown[...]
        }
        return TrackerText(bytes)
    }

    /// For a terminal, a log or a page: control characters, line breaks and marks that turn the direction of
    /// writing are escaped.
    public var displayed: String {
        var text = ""
        for scalar in self.verbatim.unicodeScalars {
            switch scalar.value {
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Whether the tracker says that it does not know the torrent: with a new one it may not know it yet.
    public var saysUnregistered: Bool {
        let text = self.verbatim.lowercased()
        return ["unregistered", "not registered", "not found", "unknown torrent"].contains {
            text.holds($0)
        }
    }
}
