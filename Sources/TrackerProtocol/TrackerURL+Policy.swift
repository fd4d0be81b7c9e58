public import SwarmTypes

/// Which hosts a URL from a torrent may make us talk to, so that a torrent cannot make us send requests to the
/// services of this machine or its network (SSRF).
///
/// Addresses are judged, never names: whoever connects asks for each address just before.
extension TrackerURL {
    /// Where the URL may lead when it comes from a torrent, a magnet or a user:
    /// - a public address always;
    /// - this machine only over UDP, or when the path ends in `/announce` and there is no query;
    /// - a private network, also a provider's, only over UDP, or when a word of the path begins with `announce`;
    /// - link-local addresses (such as a cloud's metadata service), multicast and the unspecified address never.
    public func mayReach(_ address: PeerAddress) -> Bool {
        switch address.effectiveScope {
        case .global: true
        case .loopback: self.scheme == .udp || self.query.isEmpty && self.namesAnnounce(for: .loopback)
        case .privateNetwork, .sharedNetwork:
            self.scheme == .udp || self.namesAnnounce(for: address.effectiveScope)
        case .linkLocal, .multicast, .unspecified: false
        }
    }

    /// The same where a server at `origin` sent us here: never into a narrower network than its own.
    public func mayReach(_ address: PeerAddress, redirectedFrom origin: PeerAddress) -> Bool {
        let scope = address.effectiveScope
        return scope == .global || scope == origin.effectiveScope && self.namesAnnounce(for: scope)
    }

    /// Or scrape, whose URL is made of the announce URL.
    private func namesAnnounce(for scope: AddressScope) -> Bool {
        let words = self.path.split(separator: "/")
        switch scope {
        case .loopback: return ["announce", "scrape"].contains(words.last)
        case .privateNetwork, .sharedNetwork:
            return words.contains { $0.hasPrefix("announce") || $0.hasPrefix("scrape") }
        case .linkLocal, .multicast, .unspecified, .global: return false
        }
    }

    /// Where a `Location` header leads; nil when it is no URL that we follow. UDP is not redirected to.
    public func redirected(to location: some StringProtocol) -> TrackerURL? {
        let location = String(location)
        let authority = self.beforePath
        let absolute: String
        if let colon = location.firstIndex(of: ":"), location[colon...].hasPrefix("://") {
            absolute = location
        } else if location.hasPrefix("//") {
            absolute = "\(self.scheme.rawValue):\(location)"
        } else if location.hasPrefix("/") {
            absolute = authority + location
        } else if location.hasPrefix("?") {
            absolute = authority + self.path + location
        } else if location.contains(":") && !location.contains("/") {
            // Another scheme, without slashes.
            return nil
        } else {
            let end = self.path.lastIndex(of: "/") ?? self.path.startIndex
            absolute = authority + self.path[..<end] + "/" + location
        }
        guard let url = try? TrackerURL(absolute), url.scheme != .udp else { return nil }
        return url
    }
}
