import JSONValues
import StallDiagnosis

extension JSONWriter {
    /// A diagnosis as it is, members in their order.
    mutating func value(_ value: ReportValue) {
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
