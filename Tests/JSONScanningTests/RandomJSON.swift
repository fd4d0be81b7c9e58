import TestKit

/// Valid JSON texts of every kind the grammar knows, with white space and escapes strewn in.
struct RandomJSON {
    var random: SplitMix64

    init(seed: UInt64) { self.random = SplitMix64(seed: seed) }

    mutating func value(depth: Int = 0) -> String {
        let kind = Int.random(in: 0...(depth < 5 ? 8 : 5), using: &self.random)
        let text: String =
            switch kind {
            case 0: "true"
            case 1: "false"
            case 2: "null"
            case 3: self.number()
            case 4, 5: self.text()
            case 6:
                "[" + self.list { $0.value(depth: depth + 1) } + "]"
            default:
                "{"
                    + self.list { generator in
                        generator.space() + generator.text(suffix: generator.unique()) + generator.space()
                            + ":" + generator.value(depth: depth + 1)
                    } + "}"
            }
        return self.space() + text + self.space()
    }

    private mutating func list(_ element: (inout Self) -> String) -> String {
        let count = Int.random(in: 0...5, using: &self.random)
        guard count > 0 else { return self.space() }
        return (0..<count).map { _ in element(&self) }.joined(separator: ",")
    }

    private mutating func space() -> String {
        let count = [0, 0, 0, 1, 2].randomElement(using: &self.random) ?? 0
        return (0..<count).map { _ in [" ", "\n", "\r", "\t"].randomElement(using: &self.random) ?? "" }
            .joined()
    }

    private mutating func unique() -> String { String(self.random.next(), radix: 36) }

    /// Within what a `Double` holds exactly enough to compare the part before the point.
    private mutating func number() -> String {
        let sign = Bool.random(using: &self.random) ? "-" : ""
        let whole = UInt64.random(
            in: 0...(1 << UInt64.random(in: 1...40, using: &self.random)), using: &self.random)
        switch Int.random(in: 0...3, using: &self.random) {
        case 0: return "\(sign)\(whole).\(Int.random(in: 0...999, using: &self.random))"
        case 1: return "\(sign)\(whole % 10_000)e\(Int.random(in: 0...9, using: &self.random))"
        case 2: return "\(sign)\(whole % 1000).5E+2"
        default: return "\(sign)\(whole)"
        }
    }

    private mutating func text(suffix: String = "") -> String {
        let pieces = [
            "a", "tracker", " ", "é", "漢字", "😀", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t",
            "\\u0041", "\\u00e9", "\\u6f22", "\\ud83d\\ude00", "\\uD83D\\uDE00", "/announce?passkey=",
            "0123456789",
            "\\u0000", "\u{7f}", "\u{2028}", "{", "]", ",", ":", "'",
        ]
        let count = Int.random(in: 0...12, using: &self.random)
        return "\""
            + (0..<count).map { _ in pieces.randomElement(using: &self.random) ?? "" }.joined() + suffix
            + "\""
    }
}
