public import SwarmTypes

/// How requests looked before a reverse proxy passed them on: the path below which Weir is mounted, and whose word on
/// clients counts.
public struct OuterView: Sendable {
    /// What becomes of a request.
    public enum Outcome: Sendable {
        case request(HTTPRequest)
        /// To the base path with its final slash: the page's own addresses are relative to it.
        case redirect(to: String)
    }

    /// Empty, or such as "/weir": with a slash in front and none at the end.
    private let basePath: String
    /// Whose `X-Forwarded-…` headers are believed.
    private let trusted: [AddressNetwork]

    public init(basePath: String = "", trusted: [AddressNetwork] = []) {
        self.basePath = basePath
        self.trusted = trusted
    }

    /// Without the base path, and as the client sent it if a trusted proxy says so. Paths elsewhere stay as they are, so
    /// that programs on this machine need not know of the base path.
    public func outcome(of request: HTTPRequest) -> Outcome {
        if !self.basePath.isEmpty, request.path == self.basePath, request.method == "GET" {
            return .redirect(to: self.basePath + "/")
        }
        var request = request
        if let path = self.inner(request.path) {
            request.path = path
            request.basePath = self.basePath
        }
        request.isForwarded = request.headers.contains { forwardingHeaders.contains($0.name) }
        guard request.isForwarded, self.trusts(request.peerAddress) else { return .request(request) }
        request.peerAddress = self.client(of: request)
        if let scheme = lastValue(of: "x-forwarded-proto", request) {
            request.isSecure = scheme.lowercased() == "https"
        }
        if let host = lastValue(of: "x-forwarded-host", request) {
            request.headers.removeAll { $0.name == "host" }
            request.headers.append(("host", host))
            request.hasOuterHost = true
        }
        return .request(request)
    }

    /// The path that routes know; for what is asked of a path alone.
    public func innerPath(_ path: String) -> String { self.inner(path) ?? path }

    private func inner(_ path: String) -> String? {
        guard !self.basePath.isEmpty, path.hasPrefix(self.basePath + "/") else { return nil }
        return String(path.dropFirst(self.basePath.count))
    }

    /// From the nearest hop outwards: the first that is no trusted proxy. What an untrusted one says of those before it
    /// is anybody's guess.
    private func client(of request: HTTPRequest) -> String {
        let hops = request.headers.filter { $0.name == "x-forwarded-for" }
            .flatMap { $0.value.split(separator: ",", omittingEmptySubsequences: false) }
        var nearest = request.peerAddress
        for hop in hops.suffix(maximumHops).reversed() {
            guard let address = forwardedAddress(trimmingSpaces(hop)) else { break }
            nearest = address
            guard self.trusts(address) else { break }
        }
        return nearest
    }

    private func trusts(_ address: String) -> Bool {
        guard !self.trusted.isEmpty, let address = PeerAddress(host: address, port: 0) else { return false }
        return self.trusted.contains { $0.contains(address) }
    }
}

/// No sane chain of proxies is longer.
private let maximumHops = 32

/// Any of them tells that somebody stands between.
private let forwardingHeaders: Set<String> = [
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
]

/// A proxy appends to what it got, so the last value is of the one that talks to us.
private func lastValue(of name: String, _ request: HTTPRequest) -> String? {
    guard let value = request.headers.last(where: { $0.name == name })?.value else { return nil }
    let last = trimmingSpaces(value.split(separator: ",", omittingEmptySubsequences: false).last ?? "")
    return last.isEmpty ? nil : last
}

/// The address without a port, in its usual spelling; nil for what is none, such as "unknown".
private func forwardedAddress(_ text: String) -> String? {
    if let address = PeerAddress(host: text, port: 0) { return address.host }
    if let address = PeerAddress(text) { return address.host }
    guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
    return PeerAddress(host: text.dropFirst().dropLast(), port: 0)?.host
}

private func trimmingSpaces(_ text: some StringProtocol) -> String {
    var bytes = Array(text.utf8)[...]
    while bytes.first == 0x20 || bytes.first == 0x09 { bytes.removeFirst() }
    while bytes.last == 0x20 || bytes.last == 0x09 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}
