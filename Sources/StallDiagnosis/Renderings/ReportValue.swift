/// A report as a tree of names and values, for whoever writes JSON: six kinds, members in their order.
public indirect enum ReportValue: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public let name: String
        public let value: ReportValue
    }

    case null
    case flag(Bool)
    case integer(Int64)
    case number(Double)
    /// Foreign text as it came: the writer of JSON escapes it.
    case text(String)
    case list([ReportValue])
    case record([Member])

    /// A member of a record; nil where there is none.
    public subscript(name: String) -> ReportValue? {
        guard case .record(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

extension ReportValue {
    static func record(_ members: KeyValuePairs<String, ReportValue>) -> ReportValue {
        .record(members.map { Member(name: $0.key, value: $0.value) })
    }

    static func count(_ count: Int) -> ReportValue { .integer(Int64(count)) }

    static func text(_ text: String?) -> ReportValue { text.map { .text($0) } ?? .null }

    static func count(_ count: Int?) -> ReportValue { count.map { .count($0) } ?? .null }

    static func seconds(_ seconds: Double?) -> ReportValue {
        seconds.map { .number(($0 * 10).rounded() / 10) } ?? .null
    }
}

extension Fact {
    /// Name, value and phrase.
    public var tree: ReportValue {
        let value: ReportValue =
            switch self.value {
            case .count(let count): .count(count)
            case .seconds(let seconds): .seconds(seconds)
            case .bytes(let bytes): .integer(bytes)
            case .text(let text): .text(text)
            case .flag(let flag): .flag(flag)
            }
        return .record(["name": .text(self.name), "value": value, "phrase": .text(self.phrase)])
    }
}
