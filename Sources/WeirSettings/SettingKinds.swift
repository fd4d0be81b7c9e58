import ConfigFile
import LimitPlanning
import SwarmTypes

/// -1 (or the word `unlimited`), or a rate. The one place where the -1 of the file becomes "unlimited".
let uploadLimit = ScalarKind<UploadLimit>(
    allowed: "-1 for no cap, or a rate above 0: bytes per second, or such as 10 MiB/s, 10MB, 500k",
    read: { text in
        if text.lowercased() == "unlimited" { return .value(.unlimited) }
        guard let rate = bytesPerSecond(text) else {
            return .refused(
                hint: "units are B, k, M, G (1000s), KiB, MiB, GiB (1024s), kbit, Mbit, Gbit (bits)")
        }
        if rate == -1 { return .value(.unlimited) }
        if rate == 0 { return .refused(hint: "0 is not a cap: -1 lifts it, 1 all but stops the upload") }
        return rate > 0 ? .value(.bytesPerSecond(rate)) : .refused(hint: nil)
    },
    write: { limit in limit.rate.map { "\($0.bytesPerSecond)" } ?? "-1" })

let oversubscriptionFactor = ScalarKind<Oversubscription>(
    allowed: "a number from 1.0 to 4.0, or statistical",
    read: { text in
        if text.lowercased() == "statistical" { return .value(.statistical) }
        guard let factor = decimalNumber(text), (1...4).contains(factor) else { return .refused(hint: nil) }
        return .value(.thousandths(thousandths(factor)))
    },
    write: { value in
        switch value {
        case .statistical: "statistical"
        case .thousandths(let thousandths): "\(Double(thousandths) / 1000)"
        }
    })

/// `value` is one that was read within a small range.
func thousandths(_ value: Double) -> Int { Int(exactly: (value * 1000).rounded()) ?? 0 }

/// What may stand in a header of a request.
let headerText = ScalarKind<String>.text("text without line breaks and other control characters") { text in
    text.utf8.allSatisfy { $0 > 31 && $0 != 127 } ? nil : "remove the control characters"
}

let filePath = ScalarKind<String>.text("a path") { text in
    if text.isEmpty { return "write a path" }
    return text.utf8.contains(0) ? "a path holds no NUL" : nil
}

/// An address or name without port: brackets round an IPv6 address are allowed.
let hostName = ScalarKind<String>.text("a host name or an address, without scheme and port") { text in
    if text.holds("://") { return "write the host alone, or a whole address under the key url" }
    return isHost(bareHost(text)) ? nil : "it has characters that no host name has"
}

/// Any name or address; `*` is not one.
let listenHost = ScalarKind<String>.text("an address such as 127.0.0.1 or ::1, or a host name") { text in
    if text == "*" { return "write 0.0.0.0 or :: to listen everywhere" }
    return isHost(bareHost(text)) ? nil : "write the address alone, without scheme and port"
}

/// A short name shown in tables, metrics and paths.
let identifier = ScalarKind<String>.text("a name of 1 to 100 characters without control characters") { text in
    if text.isEmpty { return "write a name" }
    if text.utf8.count > 100 { return "shorten it" }
    return text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        ? "remove the control characters" : nil
}

/// A host without the brackets that an address of IPv6 has in a URL.
func bareHost(_ text: String) -> String {
    text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
}

/// Letters, digits, `.`, `-`, `_`; with a colon in it: the digits of an IPv6 address and its zone.
func isHost(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 255 else { return false }
    let isIPv6 = text.contains(":")
    return text.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "0"..."9", "a"..."f", "A"..."F", ".": true
        case ":", "%": isIPv6
        case "g"..."z", "G"..."Z", "-", "_": !isIPv6 || text.contains("%")
        default: false
        }
    }
}

/// Shown in no message, because an address may carry a key.
let webAddress = ScalarKind<String>(
    allowed: "an address that begins with http:// or https://",
    read: { text in
        let isWeb = ["http://", "https://"].contains {
            text.lowercased().hasPrefix($0) && text.count > $0.count
        }
        guard isWeb else { return .refusedSecret(hint: "begin with http:// or https://") }
        return text.unicodeScalars.allSatisfy { ("!"..."~").contains($0) }
            ? .value(text) : .refusedSecret(hint: "an address has no spaces and no letters beyond ASCII")
    },
    write: quotedYAML)
