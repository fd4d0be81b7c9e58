import SwarmTypes

/// "1 peer", "3 peers".
func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    count == 1 ? "1 \(one)" : "\(count) \(many ?? one + "s")"
}

/// "12 s", "6 min", "2 h 5 min", "3 days". Never negative.
func spelledDuration(_ seconds: Double) -> String {
    let seconds = max(0, Int(exactly: seconds.rounded(.down)) ?? 0)
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7200: return "\(seconds / 60) min"
    case ..<172_800:
        let minutes = seconds % 3600 / 60
        return minutes == 0 ? "\(seconds / 3600) h" : "\(seconds / 3600) h \(minutes) min"
    default: return "\(seconds / 86400) days"
    }
}

func spelledRate(_ rate: ByteRate) -> String { spelledBytes(rate.bytesPerSecond) + "/s" }

/// "512 B", "10.0 KiB", "4.2 MiB", "1.0 GiB".
func spelledBytes(_ bytes: Int64) -> String {
    let bytes = max(0, bytes)
    guard bytes >= 1024 else { return "\(bytes) B" }
    let units = ["KiB", "MiB", "GiB", "TiB"]
    var value = Double(bytes) / 1024
    var unit = 0
    while value >= 1023.95, unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    return oneDecimal(value) + " " + units[unit]
}

/// "97.6 %"; never "100.0 %" for less than all.
func spelledShare(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "0.0 %" }
    let share = Double(part) / Double(whole) * 100
    return oneDecimal(part < whole ? min(share, 99.9) : share) + " %"
}

func oneDecimal(_ value: Double) -> String {
    guard let tenths = Int(exactly: (value * 10).rounded()) else { return "\(value)" }
    return "\(tenths / 10).\(abs(tenths % 10))"
}

extension CapOwner {
    var words: String {
        switch self {
        case .peer: "the cap of this peer"
        case .torrent: "the cap of this torrent"
        case .tracker(let name): "the cap of the tracker \(visibleText(name, limit: 80))"
        case .global: "the global cap"
        }
    }

    var code: String {
        switch self {
        case .peer: "peer"
        case .torrent: "torrent"
        case .tracker: "tracker"
        case .global: "global"
        }
    }
}
