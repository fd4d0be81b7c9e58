/// Finds the configured tracker of a URL: patterns in order, the first that matches wins.
///
/// Bounded in work whatever the patterns and the URL: see `MatchWorkspace`. Holds no cache, so that scheme and
/// query count as much as the rest of the URL.
public struct TrackerMatcher: Sendable {
    /// The pattern that matches what no other does; it is never searched for.
    public static let catchAll = ".*"

    /// A longer URL matches no pattern but the catch-all: no tracker has such an address, and what a regular
    /// expression costs grows with the square of the length.
    public static let maximumURLLength = 4096

    private struct Entry: Sendable {
        var id: String
        /// Nil for the catch-all.
        var pattern: TrackerPattern?
    }

    private let entries: [Entry]
    private let catchAllIndex: Int?

    /// In the order of the configuration.
    public init(patterns: [(id: String, pattern: String)]) throws(PatternFailure) {
        var entries: [Entry] = []
        for (id, text) in patterns {
            let pattern = Self.isCatchAll(text) ? nil : try TrackerPattern(text)
            entries.append(Entry(id: id, pattern: pattern))
        }
        self.entries = entries
        self.catchAllIndex = entries.firstIndex { $0.pattern == nil }
    }

    /// Whether a configured pattern is the catch-all; white space around it makes no difference.
    public static func isCatchAll(_ pattern: String) -> Bool {
        trimmed(Array(pattern.utf8)).elementsEqual(Self.catchAll.utf8)
    }

    /// An empty URL matches the catch-all only.
    public func match(_ url: String) -> MatchOutcome {
        var outcome = MatchOutcome(index: self.catchAllIndex)
        self.search(url) { index, answer in
            switch answer {
            case .found:
                outcome.index = index
                return false
            case .limitExceeded: outcome.exceededLimits.append(index)
            case .notFound: break
            }
            return true
        }
        return outcome
    }

    /// What every pattern by itself says about the URL, in order. The catch-all matches everything.
    public func explain(_ url: String) -> [PatternExplanation] {
        var explanations = self.entries.map { entry in
            PatternExplanation(
                id: entry.id, pattern: entry.pattern?.text ?? Self.catchAll,
                result: entry.pattern == nil ? .matches : .doesNotMatch)
        }
        self.search(url) { index, answer in
            switch answer {
            case .found: explanations[index].result = .matches
            case .limitExceeded: explanations[index].result = .limitExceeded
            case .notFound: break
            }
            return true
        }
        return explanations
    }

    /// Searches for each pattern in order until `continues` answers false. Nothing is searched in an empty URL.
    private func search(_ url: String, _ continues: (Int, TrackerPattern.Answer) -> Bool) {
        var url = url
        url.withUTF8 { bytes in
            guard !bytes.isEmpty else { return }
            guard bytes.count <= Self.maximumURLLength, let workspace = MatchWorkspace(urlLength: bytes.count)
            else {
                for index in self.entries.indices where self.entries[index].pattern != nil {
                    if !continues(index, .limitExceeded) { return }
                }
                return
            }
            for (index, entry) in self.entries.enumerated() {
                guard let pattern = entry.pattern else { continue }
                if !continues(index, pattern.search(bytes, using: workspace)) { return }
            }
        }
    }
}

/// Which tracker a URL belongs to.
public struct MatchOutcome: Hashable, Sendable {
    /// Into the patterns; nil only when there is no catch-all and nothing matched.
    public var index: Int?
    /// The patterns before `index` that were given up because they needed too many steps, or because the URL is
    /// too long. They count as not matching.
    public var exceededLimits: [Int] = []

    public init(index: Int?, exceededLimits: [Int] = []) {
        self.index = index
        self.exceededLimits = exceededLimits
    }
}

/// What one pattern says about a URL.
public struct PatternExplanation: Hashable, Sendable {
    public enum Result: String, Hashable, Sendable {
        case matches
        case doesNotMatch = "does_not_match"
        /// Given up: too many steps, or a URL longer than `TrackerMatcher.maximumURLLength`.
        case limitExceeded = "limit_exceeded"
    }

    public var id: String
    public var pattern: String
    public var result: Result

    public init(id: String, pattern: String, result: Result) {
        self.id = id
        self.pattern = pattern
        self.result = result
    }
}
