public enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case debug, info, warning, error

    var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// What a line looks like.
public enum LogFormat: String, CaseIterable, Sendable {
    /// For people: time, level, message, then `key=value`.
    case text
    /// One object a line, with the keys `time`, `level`, `message` and those of the fields.
    case json
}

/// The value of a field, written as what it is in JSON.
public enum LogValue: Hashable, Sendable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case flag(Bool)

    public init(_ integer: some BinaryInteger) { self = .integer(Int64(clamping: integer)) }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .flag(value) }
}

/// One line before it is written.
struct LogRecord {
    /// ISO 8601.
    var time: String
    var level: LogLevel
    var message: String
    var fields: [(name: String, value: LogValue)]
}
