extension LogRecord {
    /// The line with its line break. Nothing in it can end the line early, or steer a terminal.
    func rendered(as format: LogFormat) -> String {
        switch format {
        case .text: self.renderedAsText()
        case .json: self.renderedAsJSON()
        }
    }

    private func renderedAsText() -> String {
        var line = self.time + " " + self.level.rawValue
        line += String(repeating: " ", count: 8 - self.level.rawValue.utf8.count)
        appendEscaped(self.message, to: &line, alsoEscaping: [])
        for field in self.fields {
            line += " "
            appendEscaped(field.name, to: &line, alsoEscaping: [])
            line += "="
            switch field.value {
            case .text(let text): Self.appendValue(text, to: &line)
            case .integer(let integer): line += String(integer)
            case .number(let number): line += String(number)
            case .flag(let flag): line += String(flag)
            }
        }
        return line + "\n"
    }

    /// In quotes where it would not read as one word.
    private static func appendValue(_ text: String, to line: inout String) {
        let isWord =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                scalar != " " && scalar != "\"" && scalar != "=" && scalar != "\\" && !mustBeEscaped(scalar)
            }
        if isWord {
            line += text
        } else {
            line += "\""
            appendEscaped(text, to: &line, alsoEscaping: ["\"", "\\"])
            line += "\""
        }
    }

    private func renderedAsJSON() -> String {
        var line = "{\"time\":\"\(self.time)\",\"level\":\"\(self.level.rawValue)\",\"message\":"
        Self.appendJSON(self.message, to: &line)
        for field in self.fields {
            line += ","
            // A field does not replace the message.
            let isTaken = ["time", "level", "message"].contains(field.name)
            Self.appendJSON(isTaken ? field.name + "_" : field.name, to: &line)
            line += ":"
            switch field.value {
            case .text(let text): Self.appendJSON(text, to: &line)
            case .integer(let integer): line += String(integer)
            case .number(let number) where number.isFinite: line += String(number)
            case .number(let number): Self.appendJSON(String(number), to: &line)
            case .flag(let flag): line += String(flag)
            }
        }
        return line + "}\n"
    }

    private static func appendJSON(_ text: String, to line: inout String) {
        line += "\""
        appendEscaped(text, to: &line, alsoEscaping: ["\"", "\\"])
        line += "\""
    }
}

/// Writes what must not be in a log as JSON does, `\n` and `\u001b`, in both formats.
private func appendEscaped(_ text: String, to line: inout String, alsoEscaping others: [Unicode.Scalar]) {
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": line += "\\n"
        case "\r": line += "\\r"
        case "\t": line += "\\t"
        case _ where others.contains(scalar):
            line += "\\"
            line.unicodeScalars.append(scalar)
        case _ where mustBeEscaped(scalar):
            // All of them fit in four digits.
            let digits = String(scalar.value, radix: 16)
            line += "\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        default:
            line.unicodeScalars.append(scalar)
        }
    }
}

/// Control characters, line separators, and the marks that turn the direction of what follows.
private func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}
