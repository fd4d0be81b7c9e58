import CMicrohttpd
import Glibc

/// The text of a peer's address. An IPv4 peer of a socket that takes both families looks like IPv4.
func addressText(_ address: UnsafePointer<sockaddr>?) -> String {
    guard let address else { return "" }
    let raw = UnsafeRawPointer(address)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
        var number = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
        inet_ntop(AF_INET, &number, &text, socklen_t(text.count))
    case AF_INET6:
        var number = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
        let words = withUnsafeBytes(of: &number) { bytes in
            (0..<3).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self).bigEndian }
        }
        if words == [0, 0, 0xFFFF] {
            withUnsafeBytes(of: &number) { bytes in
                _ = inet_ntop(AF_INET, bytes.baseAddress?.advanced(by: 12), &text, socklen_t(text.count))
            }
        } else {
            inet_ntop(AF_INET6, &number, &text, socklen_t(text.count))
        }
    default:
        return ""
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
