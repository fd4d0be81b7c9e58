import Glibc

/// A size for people: "1.50 GiB".
func sizeText(_ byteCount: Int64) -> String {
    let units: [(Int64, String)] = [
        (1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"),
    ]
    for (size, name) in units where byteCount >= size {
        // In two steps, because a hundred times the count may be too large.
        let hundredths = byteCount / size * 100 + byteCount % size * 100 / size
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(name)"
    }
    return "\(byteCount) B"
}

/// Bytes from "1048576", "1024K", "1M" or "1MiB"; nil for anything else.
func byteCount(_ text: String) -> Int64? {
    let digits = text.utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    guard let number = Int64(String(Substring(digits))) else { return nil }
    let factor: Int64
    switch String(text.dropFirst(digits.count)).lowercased() {
    case "", "b": factor = 1
    case "k", "kb", "kib": factor = 1 << 10
    case "m", "mb", "mib": factor = 1 << 20
    case "g", "gb", "gib": factor = 1 << 30
    default: return nil
    }
    let (count, isOverflowing) = number.multipliedReportingOverflow(by: factor)
    return isOverflowing ? nil : count
}

/// A time of day in UTC: "2024-02-29 12:00:00 UTC"; the number itself where no calendar has it.
func dateText(_ secondsSince1970: Int64) -> String {
    var seconds = time_t(secondsSince1970)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "\(secondsSince1970)" }
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
    guard count > 0 else { return "\(secondsSince1970)" }
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
