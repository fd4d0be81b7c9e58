extension ScalarKind {
    /// A whole number: decimal with optional `_` between digits (as YAML 1.1 has it), `0x…` hexadecimal, or a
    /// decimal fraction of zero (`300.0`). A leading zero is refused: YAML 1.1 reads it as octal, people do not.
    public static func integer(_ range: ClosedRange<Int>) -> ScalarKind where Value == Int {
        ScalarKind(
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { text in
                guard let value = wholeNumber(text) else { return .refused(hint: numberHint(text)) }
                guard let number = Int(exactly: value), range.contains(number) else {
                    return .refused(hint: nil)
                }
                return .value(number)
            },
            write: { "\($0)" })
    }

    public static func decimal(_ range: ClosedRange<Double>) -> ScalarKind where Value == Double {
        ScalarKind(
            allowed: "a number from \(range.lowerBound) to \(range.upperBound)",
            read: { text in
                guard let value = decimalNumber(text) else { return .refused(hint: numberHint(text)) }
                return range.contains(value) ? .value(value) : .refused(hint: nil)
            },
            write: { "\($0)" })
    }

    /// A time in whole seconds: a number, or one with `s`, `m`, `h` or `d` (`90s`, `5m`).
    public static func seconds(_ range: ClosedRange<Int>) -> ScalarKind where Value == Int {
        ScalarKind(
            allowed: "a time from \(range.lowerBound) to \(range.upperBound) seconds (also 90s, 5m, 1h)",
            read: { text in
                guard let value = wholeSeconds(text) else { return .refused(hint: numberHint(text)) }
                return range.contains(value) ? .value(value) : .refused(hint: nil)
            },
            write: { "\($0)" })
    }

    /// A rate in bytes per second from 1 on. See `bytesPerSecond(_:)` for the spellings.
    public static func rate() -> ScalarKind where Value == Int64 {
        ScalarKind(
            allowed: "a whole number of bytes per second above 0, or a rate such as 10 MiB/s, 10MB or 500k",
            read: { text in
                guard let rate = bytesPerSecond(text) else { return .refused(hint: rateHint(text)) }
                return rate > 0 ? .value(rate) : .refused(hint: nil)
            },
            write: { "\($0)" })
    }
}

/// The number that `text` spells, or nil.
public func wholeNumber(_ text: String) -> Int64? {
    var digits = text[...]
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
    if let point = digits.firstIndex(of: ".") {
        guard point > digits.startIndex, digits[point...].dropFirst().allSatisfy({ $0 == "0" }) else {
            return nil
        }
        digits = digits[..<point]
    }
    var radix = 10
    if digits.hasPrefix("0x") {
        digits.removeFirst(2)
        radix = 16
    } else if digits.count > 1, digits.first == "0" {
        return nil
    }
    guard digits.first != "_", digits.last != "_" else { return nil }
    let plain = digits.filter { $0 != "_" }
    guard !plain.isEmpty, plain.first != "-", plain.first != "+" else { return nil }
    return Int64((isNegative ? "-" : "") + plain, radix: radix)
}

/// The finite number that `text` spells in digits, point and exponent, or nil. Never "inf", "nan" or hexadecimal.
public func decimalNumber(_ text: String) -> Double? {
    let plain = text.filter { $0 != "_" }
    guard plain.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }), plain != "." else { return nil }
    guard let value = Double(plain.hasPrefix(".") ? "0" + plain : plain), value.isFinite else { return nil }
    return value
}

/// The rate that `text` spells, in whole bytes per second, or nil.
///
/// A plain number is bytes per second. With a unit it may have a fraction: `B`; `k`, `M`, `G` (also `kB`, `MB`,
/// `GB`) are thousands; `Ki`, `Mi`, `Gi` (also `KiB`, …) are 1024s; `kbit`, `Mbit`, `Gbit` are bits. `/s` may
/// follow a unit. `Mb` is refused: it is written for both megabytes and megabits.
public func bytesPerSecond(_ text: String) -> Int64? {
    if let whole = wholeNumber(text) { return whole }
    var unit = text.drop { "0123456789._".contains($0) }
    let amount = text[..<unit.startIndex]
    guard let number = decimalNumber(String(amount)), !amount.isEmpty else { return nil }
    while unit.first == " " { unit.removeFirst() }
    if unit.hasSuffix("/s") { unit.removeLast(2) }
    let factor: Double
    switch unit {
    case "B": factor = 1
    case "k", "K", "kB", "KB": factor = 1e3
    case "M", "MB": factor = 1e6
    case "G", "GB": factor = 1e9
    case "Ki", "KiB", "kiB": factor = 1024
    case "Mi", "MiB": factor = 1_048_576
    case "Gi", "GiB": factor = 1_073_741_824
    case "kbit": factor = 125
    case "Mbit": factor = 125_000
    case "Gbit": factor = 125_000_000
    default: return nil
    }
    return Int64(exactly: (number * factor).rounded())
}

private func wholeSeconds(_ text: String) -> Int? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    let unit = text.last.flatMap { units[$0] }
    guard let number = wholeNumber(unit == nil ? text : String(text.dropLast())) else { return nil }
    let (seconds, isOverflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    return isOverflow ? nil : Int(exactly: seconds)
}

private func numberHint(_ text: String) -> String? {
    if text.count > 1, text.hasPrefix("0"), text.allSatisfy(\.isWholeNumber) {
        return "write it without the leading 0"
    }
    if text.contains(","), text.allSatisfy({ $0.isWholeNumber || $0 == "," || $0 == "." }) {
        return "write a decimal point and no separator of thousands"
    }
    return nil
}

private func rateHint(_ text: String) -> String? {
    let unit = text.drop { "0123456789._ ".contains($0) }
    guard !unit.isEmpty else { return numberHint(text) }
    return
        "units are B, k, M, G (1000s), KiB, MiB, GiB (1024s) and kbit, Mbit, Gbit (bits), then /s if you like"
}
