/// What a scanner bears. Neither bounds the document's length: memory does not grow with it.
public struct JSONLimits: Hashable, Sendable {
    /// Open arrays and objects; at most 64, because the scanner keeps one bit for each.
    public let depth: Int
    /// Bytes kept of one string; the rest is checked, dropped, and the text marked as cut.
    public let textBytes: Int

    public init(depth: Int = 64, textBytes: Int = 64 * 1024) {
        self.depth = min(max(1, depth), 64)
        self.textBytes = max(1, textBytes)
    }
}
