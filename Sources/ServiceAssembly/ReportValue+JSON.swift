public import JSONValues
public import StallDiagnosis

extension JSONWriter {
    /// A diagnosis as it is, members in their order.
    public mutating func value(_ value: ReportValue) {
        switch value {
        case .null: self.null()
        case .flag(let flag): self.bool(flag)
        case .integer(let number): self.integer(number)
        case .number(let number): self.number(number)
        case .text(let text): self.string(text)
        case .list(let elements): self.array { for element in elements { $0.value(element) } }
        case .record(let members):
            self.object { json in
                for member in members {
                    json.name(member.name)
                    json.value(member.value)
                }
            }
        }
    }
}

extension DiagnosisReport {
    /// As JSON: a tree for programs, or lines for people.
    public func bytes(asTree isTree: Bool) -> [UInt8] {
        var json = JSONWriter(reservingBytes: 8192)
        if isTree {
            json.value(self.tree)
        } else {
            json.array { for line in self.lines() { $0.string(line) } }
        }
        return json.bytes
    }
}
