import AccessControl
import Digests
import HTTPServing

let sessionCookie = "weir_session"

extension AccessPolicy {
    /// Nil lets the request pass.
    /// - Parameter isUse: False to look again, later, at a request that was let in.
    func refusal(of request: HTTPRequest, right: RouteRight, isUse: Bool = true) -> APIError? {
        if right.needsKnownHost, let refusal = self.hostRefusal(request) { return refusal }
        if right.changesState, let refusal = originRefusal(request) { return refusal }
        guard let needed = right.role else { return nil }
        if let identity = self.identity(of: request, isUse: isUse) {
            if identity.role.includes(needed) { return nil }
            return APIError(
                403, "role_too_low",
                "This needs the role \"\(needed.rawValue)\"; \(identity.name) has \"\(identity.role.rawValue)\"."
            )
        }
        switch (self.guestRule(for: request), needed) {
        case (.everything, _), (.reading, .read): return nil
        default: return self.strangerRefusal(request)
        }
    }

    /// Whoever shows a session or a key that is known.
    func identity(of request: HTTPRequest, isUse: Bool = true) -> AccessIdentity? {
        if let secret = request.sessionSecret,
            let identity = self.access?.identity(ofSession: secret, isUse: isUse)
        {
            return identity
        }
        // All are compared, so that the time says nothing about which one was sent.
        let sent = [request.header("x-api-key"), request.header("authorization").flatMap(bearerToken)]
        let identities = sent.compactMap { $0 }.filter { !$0.isEmpty }.map { self.identity(ofKey: $0) }
        return identities.compactMap { $0 }.first
    }

    private func identity(ofKey sent: String) -> AccessIdentity? {
        if let key = self.apiKey, !key.isEmpty, secretsAreEqual(sent, key) {
            return AccessIdentity(kind: .configuredKey, name: "the configured key", role: .admin)
        }
        return self.access?.identity(ofKey: sent)
    }

    private func hostRefusal(_ request: HTTPRequest) -> APIError? {
        let hosts = request.headers.filter { $0.name == "host" }
        guard hosts.count == 1, let host = HostHeader(hosts[0].value) else {
            return APIError(
                400, "bad_host", "The request needs exactly one Host header of the form name or name:port.")
        }
        if self.allows(host, isOuter: request.hasOuterHost) { return nil }
        return APIError(
            403, "host_not_allowed",
            """
            This host name is not one that Weir answers to. Use localhost or an address of this machine with port \
            \(self.listeningPort), or add the name to the allowed hosts in the configuration.
            """,
            detail: ["host": String(host.text.prefix(255))])
    }

    /// - Parameter isOuter: The name is one of a trusted proxy, whose port is not ours.
    func allows(_ host: HostHeader, isOuter: Bool = false) -> Bool {
        if self.allowedHosts.contains(where: { HostHeader($0)?.text == host.text && host.port != nil }) {
            return true
        }
        guard host.port == nil || host.port == self.listeningPort || isOuter else { return false }
        if self.allowedHosts.contains(where: {
            HostHeader($0).map { $0.name == host.name && $0.port == nil } ?? false
        }) {
            return true
        }
        if host.isLoopback || host.name == HostHeader(literal: self.boundAddress)?.name { return true }
        // An address is no name that an attacker's DNS could point elsewhere.
        return (isOuter || !self.isBoundToLoopback) && host.isAddress
    }

    private func strangerRefusal(_ request: HTTPRequest) -> APIError {
        if self.access == nil, self.apiKey.map(\.isEmpty) ?? true {
            return APIError(
                403, "no_api_key_configured",
                """
                Weir listens beyond this machine and has no API key, so nothing can be changed over the network. \
                Configure an API key, or listen on 127.0.0.1.
                """)
        }
        return APIError(
            401, "api_key_needed",
            """
            This needs somebody who is logged in, or an API key as the header "X-API-Key: KEY" or \
            "Authorization: Bearer KEY".
            """,
            headers: [("www-authenticate", "Bearer realm=\"weir\"")])
    }
}

extension HTTPRequest {
    /// The session's secret that a browser sends.
    var sessionSecret: String? {
        for header in self.headers where header.name == "cookie" {
            for piece in header.value.split(separator: ";") {
                let text = piece.drop { $0 == " " }
                if text.hasPrefix("\(sessionCookie)=") {
                    return String(text.dropFirst(sessionCookie.count + 1))
                }
            }
        }
        return nil
    }
}

/// A browser tells where a page's request comes from; a program tells nothing, and that is fine.
private func originRefusal(_ request: HTTPRequest) -> APIError? {
    let isForeignSite = request.headers.contains {
        $0.name == "sec-fetch-site" && $0.value != "same-origin" && $0.value != "none"
    }
    let isForeignOrigin = request.headers.contains {
        $0.name == "origin" && !isSameOrigin($0.value, as: request.header("host").flatMap { HostHeader($0) })
    }
    guard isForeignSite || isForeignOrigin else { return nil }
    return APIError(
        403, "foreign_origin", "A web page of another origin may not change anything here.")
}

private func isSameOrigin(_ origin: String, as host: HostHeader?) -> Bool {
    for (scheme, port) in [("http://", 80), ("https://", 443)] as [(String, UInt16)]
    where origin.hasPrefix(scheme) {
        guard let host, let from = HostHeader(String(origin.dropFirst(scheme.count))) else { return false }
        return from.name == host.name && (from.port ?? port) == (host.port ?? port)
    }
    return false
}

private func bearerToken(_ header: String) -> String? {
    let scheme = "bearer "
    guard header.utf8.count > scheme.utf8.count, header.prefix(scheme.count).lowercased() == scheme else {
        return nil
    }
    return String(header.dropFirst(scheme.count).drop { $0 == " " })
}
