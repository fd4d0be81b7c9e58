import SwarmTypes

let mebibyte = 1_048_576.0

/// Null for unlimited. What this API calls "mbps" is MiB/s, as it was in Qguardarr.
func mebibytesPerSecond(_ limit: UploadLimit) -> Double? { limit.rate.map(mebibytesPerSecond) }

func mebibytesPerSecond(_ rate: ByteRate) -> Double {
    rounded(Double(rate.bytesPerSecond) / mebibyte, decimals: 2)
}

/// What the effective cap has beyond the base cap.
func borrowed(_ base: UploadLimit, _ effective: UploadLimit) -> ByteRate {
    guard let base = base.rate, let effective = effective.rate else { return .zero }
    return ByteRate(bytesPerSecond: effective.bytesPerSecond - base.bytesPerSecond)
}

/// For people: "512 B/s", "10.0 KiB/s", "4.00 MiB/s", "unlimited".
func spelled(_ limit: UploadLimit) -> String {
    guard let bytes = limit.rate?.bytesPerSecond else { return "unlimited" }
    if bytes < 1024 { return "\(bytes) B/s" }
    if bytes < 1024 * 1024 { return fixed(Double(bytes) / 1024, decimals: 1) + " KiB/s" }
    return fixed(Double(bytes) / mebibyte, decimals: 2) + " MiB/s"
}

func percentage(of part: Int, in whole: Int) -> Double {
    whole > 0 ? rounded(Double(part) / Double(whole) * 100, decimals: 1) : 0
}

func rounded(_ value: Double, decimals: Int) -> Double {
    let scale = decimals == 0 ? 1.0 : (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    return (value * scale).rounded() / scale
}

/// Whole seconds; 0 for what is no time.
func seconds(_ value: Double) -> Int { Int(exactly: value.rounded(.down)) ?? 0 }

/// Always with its decimals, as "4.00".
private func fixed(_ value: Double, decimals: Int) -> String {
    let text = rounded(value, decimals: decimals).description
    let fraction = text.split(separator: ".").dropFirst().first?.count ?? 0
    return text + String(repeating: "0", count: max(0, decimals - fraction))
}
