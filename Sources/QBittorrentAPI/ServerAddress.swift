public import HTTPFetching

/// Where a qBittorrent's Web API is.
public struct ServerAddress: Hashable, Sendable {
    public enum Scheme: String, Sendable { case http, https }

    public var scheme: Scheme
    /// A name or an address; IPv6 with or without brackets.
    public var host: String
    /// The scheme's own when nil.
    public var port: UInt16?
    /// In front of `/api/v2`, for a reverse proxy: "" or "/qbittorrent".
    public var basePath: String
    public var trust: FetchTrust
    /// For each ordinary call. A read of all torrents may take two minutes if this is less: 20,000 torrents
    /// take qBittorrent four seconds on a fast machine, and it does nothing else meanwhile.
    public var timeoutSeconds: Double

    public init(
        scheme: Scheme = .http, host: String, port: UInt16? = nil, basePath: String = "",
        trust: FetchTrust = FetchTrust(), timeoutSeconds: Double = 30
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.basePath = basePath
        self.trust = trust
        self.timeoutSeconds = timeoutSeconds
    }

    /// The URL that an endpoint's name is appended to.
    var root: String {
        let name = self.host.contains(":") && !self.host.hasPrefix("[") ? "[\(self.host)]" : self.host
        let port = self.port.map { ":\($0)" } ?? ""
        let path = self.basePath.split(separator: "/").map { "/\($0)" }.joined()
        return "\(self.scheme.rawValue)://\(name)\(port)\(path)/api/v2/"
    }
}
