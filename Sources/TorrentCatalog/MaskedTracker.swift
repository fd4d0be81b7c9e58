/// A tracker's address and words as they may be shown: without what lets others announce as this user.
public struct MaskedTracker {
    /// Path endings that every tracker of a kind shares, and so no secret.
    private static let known: Set<String> = [
        "announce", "announce.php", "scrape", "scrape.php", "a", "tracker", "tracker.php", "ann",
    ]

    public let url: String
    private let secrets: [String]

    public init(_ url: String) {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let head = parts.first.map(String.init) ?? ""
        var segments = head.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var secrets: [String] = []
        // scheme: / empty / authority / path…
        for index in segments.indices {
            if index == 2, let at = segments[index].lastIndex(of: "@") {
                secrets.append(String(segments[index][..<at]))
                segments[index] = "…@" + segments[index][segments[index].index(after: at)...]
            } else if index > 2, !segments[index].isEmpty, !Self.known.contains(segments[index].lowercased())
            {
                secrets.append(segments[index])
                segments[index] = "…"
            }
        }
        var shown = segments.joined(separator: "/")
        if parts.count > 1 {
            shown += "?…"
            for pair in parts[1].split(separator: "&") {
                secrets.append(String(pair.drop { $0 != "=" }.dropFirst()))
            }
        }
        self.url = shown
        self.secrets = secrets.filter { $0.utf8.count >= 4 }
    }

    /// The tracker's own words, which may repeat what it was sent.
    public func masking(_ words: String) -> String {
        var shown = String(words.prefix(500))
        for secret in self.secrets { shown = shown.replacing(secret, with: "…") }
        return shown
    }
}

extension String {
    /// Without Foundation: every occurrence, from left to right.
    fileprivate func replacing(_ text: String, with other: String) -> String {
        let (bytes, sought) = (Array(self.utf8), Array(text.utf8))
        guard !sought.isEmpty, bytes.count >= sought.count else { return self }
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if index + sought.count <= bytes.count, bytes[index..<index + sought.count].elementsEqual(sought)
            {
                result.append(contentsOf: other.utf8)
                index += sought.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
