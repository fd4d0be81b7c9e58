/// Writes metric families: each with its HELP and TYPE once, before its samples; none without a sample.
struct MetricsWriter {
    enum Kind: String { case gauge, counter }

    private(set) var bytes: [UInt8] = []
    private var family = ""

    mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ samples: (inout MetricsWriter) -> Void
    ) {
        let start = self.bytes.count
        self.family = name
        self.append("# HELP \(name) \(escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n")
        let headerEnd = self.bytes.count
        samples(&self)
        if self.bytes.count == headerEnd { self.bytes.removeSubrange(start...) }
    }

    mutating func sample(_ value: Double) { self.sample([], value) }

    mutating func sample(_ labels: [(name: String, value: String)], _ value: Double) {
        let text = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
        self.append("\(self.family)\(labels.isEmpty ? "" : "{\(text)}") \(number(value))\n")
    }

    private mutating func append(_ text: String) { self.bytes.append(contentsOf: text.utf8) }
}

/// A backslash and a line feed are escaped everywhere, a quote only within quotes.
private func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": escaped += "\\\\"
        case "\n": escaped += "\\n"
        case "\"" where quotes: escaped += "\\\""
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}

private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return Int64(exactly: value)?.description ?? value.description
}
