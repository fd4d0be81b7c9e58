/// One message: all that was to tell of one kind when it was put together.
public struct NoticeMessage: Hashable, Sendable {
    public var kind: NoticeKind
    /// Foreign text in them is without control characters and cut.
    public var lines: [String]
    /// So many things there were to tell; more than the lines where some were left out.
    public var count: Int
    /// When the first of them came, in seconds since 1970.
    public var time: Int64

    public init(kind: NoticeKind, lines: [String], count: Int, time: Int64) {
        self.kind = kind
        self.lines = lines
        self.count = count
        self.time = time
    }

    public var title: String { self.kind.title(count: self.count) }

    /// The lines, and how many there were besides.
    public var text: String {
        let more = self.count - self.lines.count
        return (self.lines + (more > 0 ? ["and \(more) more"] : [])).joined(separator: "\n")
    }
}

/// One line for people: what steers terminals and turns directions is left out, and a long one ends in an ellipsis.
public func plainLine(_ text: String, maximumCharacters: Int = 200) -> String {
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x2029:
            // Words stay apart.
            if line.isEmpty || line.hasSuffix(" ") { continue }
            line += " "
        case 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFEFF: continue
        default: line.unicodeScalars.append(scalar)
        }
        count += 1
        if count >= maximumCharacters { return line + "…" }
    }
    return line
}
