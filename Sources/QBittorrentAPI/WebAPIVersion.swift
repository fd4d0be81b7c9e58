/// The version of the Web API, such as 2.8.19 or 2.2.
public struct WebAPIVersion: Hashable, Comparable, Sendable {
    public let major: Int
    public let minor: Int
    public let patch: Int

    public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads two or three numbers with points between them, perhaps after a "v"; nil for anything else.
    public init?(text: String) {
        let trimmed = text.drop { $0 == "v" || $0.isWhitespace }.prefix { !$0.isWhitespace }
        let parts = trimmed.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
        }
        guard (2...4).contains(parts.count), numbers.count == parts.count else { return nil }
        self.init(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
    }

    /// From here (qBittorrent 4.6.0) `sync/maindata` answers differences at next to no cost. Before, each
    /// such call makes the server serialise and compare everything: seconds at 20,000 torrents.
    static let cheapDifferences = WebAPIVersion(2, 9, 2)

    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}

extension WebAPIVersion: CustomStringConvertible {
    public var description: String { "\(self.major).\(self.minor).\(self.patch)" }
}
