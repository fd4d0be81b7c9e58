public import HTTPServing
public import TorrentCatalog

/// Answers as qBittorrent 5.1.4 does (Web API 2.11.4), so that what drives a qBittorrent drives Weir's own engine.
///
/// Where an endpoint has no meaning here it answers as qBittorrent does with that feature off.
public final class QBittorrentFacade: HTTPHandling {
    public static let pathPrefix = "/api/v2/"
    /// What clients choose their dialect by: tables of known versions are common, so none is invented.
    static let version = "v5.1.4"
    static let apiVersion = "2.11.4"
    static let cookieName = "SID"

    private let directing: any TorrentDirecting
    private let access: any FacadeAccess
    private let desk: FacadeDesk
    private let routes: [String: FacadeRoute]

    /// - Parameter now: seconds since 1970.
    public init(
        directing: any TorrentDirecting, access: any FacadeAccess, now: @escaping @Sendable () -> Int64
    ) {
        self.directing = directing
        self.access = access
        self.desk = FacadeDesk(mirror: directing.mirror, now: now)
        self.routes = Dictionary(uniqueKeysWithValues: facadeTable.map { ($0.name, $0) })
    }

    public func maximumBodyBytes(method: String, path: String) -> Int {
        // Thirty thousand hashes in one call, or a heap of .torrent files.
        path.hasSuffix("torrents/add") ? 64 << 20 : 4 << 20
    }

    public func earlyRefusal(of head: HTTPRequest) -> HTTPResponse? {
        do throws(FacadeRefusal) {
            // Nobody logs in with a long body.
            if self.name(of: head) == "auth/login" { throw FacadeRefusal(400, "Bad Request") }
            _ = try self.admitted(head)
            return nil
        } catch {
            return error.response
        }
    }

    public func answer(_ request: HTTPRequest) -> HTTPAnswer {
        do throws(FacadeRefusal) {
            return try self.answering(request)
        } catch {
            return .now(error.response)
        }
    }

    private func name(of request: HTTPRequest) -> String {
        String(request.path.dropFirst(Self.pathPrefix.count))
    }

    /// Finds the route of somebody who may take it, whatever the body is; nil for logging in.
    private func admitted(_ request: HTTPRequest) throws(FacadeRefusal) -> FacadeRoute? {
        guard request.method == "GET" || request.method == "POST" else {
            throw FacadeRefusal(501, "Not Implemented")
        }
        guard !isForeign(request) else { throw FacadeRefusal(401, "Unauthorized") }
        let name = self.name(of: request)
        if name == "auth/login" {
            guard request.method == "POST" else { throw FacadeRefusal(405, "Method Not Allowed") }
            return nil
        }
        // By GET too: old clients do, and no page of another origin comes as far as this.
        if name == "auth/logout" {
            guard self.admits(request, changesState: false) else { throw FacadeRefusal(403, "Forbidden") }
            return nil
        }
        guard let route = self.routes[name] else {
            // Strangers learn nothing of what there is.
            guard self.admits(request, changesState: false) else { throw FacadeRefusal(403, "Forbidden") }
            throw FacadeRefusal(404, "Not Found")
        }
        guard self.admits(request, changesState: route.isSetter) else {
            throw FacadeRefusal(403, "Forbidden")
        }
        guard !route.isSetter || request.method == "POST" else {
            throw FacadeRefusal(405, "Method Not Allowed")
        }
        return route
    }

    private func answering(_ request: HTTPRequest) throws(FacadeRefusal) -> HTTPAnswer {
        guard let route = try self.admitted(request) else {
            return self.name(of: request) == "auth/login"
                ? try self.logIn(request) : self.logOut(request)
        }
        var call = try FacadeCall(request, directing: self.directing, desk: self.desk)
        call.telling = Telling(
            now: self.desk.now(), showsKeys: route.isSetter || self.admits(request, changesState: true))
        return try self.answer(call, by: route)
    }

    private func answer(_ call: FacadeCall, by route: FacadeRoute) throws(FacadeRefusal) -> HTTPAnswer {
        switch route.run {
        case .now(let run): return .now(try run(call))
        case .later(let run):
            return .later {
                do throws(FacadeRefusal) { return try await run(call) } catch { return error.response }
            }
        }
    }

    // MARK: - Logging in

    private func logIn(_ request: HTTPRequest) throws(FacadeRefusal) -> HTTPAnswer {
        let call = try FacadeCall(request, directing: self.directing, desk: self.desk)
        let name = call["username"] ?? ""
        let password = call["password"] ?? ""
        let access = self.access
        return .later {
            let outcome = await access.logIn(
                name: name, password: password, from: request.peerAddress, isForwarded: request.isForwarded)
            switch outcome {
            case .granted(let session):
                var response = HTTPResponse.text("Ok.")
                response.headers.append(("set-cookie", cookie(session, for: request)))
                return response
            case .notNeeded:
                // Clients wait for a cookie, whether or not anybody asks for it.
                var response = HTTPResponse.text("Ok.")
                response.headers.append(("set-cookie", cookie("none", for: request)))
                return response
            case .wrong: return .text("Fails.")
            case .banned:
                return .text(
                    "Your IP address has been banned after too many failed authentication attempts.",
                    status: 403)
            }
        }
    }

    private func logOut(_ request: HTTPRequest) -> HTTPAnswer {
        if let session = credentials(of: request, changesState: true).session {
            self.access.logOut(session: session)
        }
        var response = HTTPResponse.done
        response.headers.append(("set-cookie", cookie("", for: request) + "; Max-Age=0"))
        return .now(response)
    }

    private func admits(_ request: HTTPRequest, changesState: Bool) -> Bool {
        self.access.admits(credentials(of: request, changesState: changesState))
    }
}

private func cookie(_ session: String, for request: HTTPRequest) -> String {
    "\(QBittorrentFacade.cookieName)=\(session); HttpOnly; SameSite=Strict; path=\(request.basePath)/"
        + (request.isSecure ? "; Secure" : "")
}

private func credentials(of request: HTTPRequest, changesState: Bool) -> FacadeCredentials {
    var credentials = FacadeCredentials(address: request.peerAddress, changesState: changesState)
    credentials.isForwarded = request.isForwarded
    // Some clients send the whole Set-Cookie line back.
    for header in request.headers where header.name == "cookie" {
        for piece in header.value.split(separator: ";") {
            let text = trimmed(String(piece))
            if text.hasPrefix("\(QBittorrentFacade.cookieName)=") {
                credentials.session = String(text.dropFirst(QBittorrentFacade.cookieName.count + 1))
            }
        }
    }
    if let header = request.header("authorization"), header.lowercased().hasPrefix("bearer ") {
        credentials.bearer = trimmed(String(header.dropFirst(7)))
    }
    return credentials
}

/// A web page of another origin is at work: both headers name the page's host and port.
private func isForeign(_ request: HTTPRequest) -> Bool {
    guard let host = request.header("host") else { return false }
    for name in ["origin", "referer"] {
        guard let value = request.header(name), !value.isEmpty else { continue }
        guard let start = value.range(ofPlain: "://") else { return true }
        let authority = value[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.lowercased() != host.lowercased() { return true }
    }
    return false
}

extension String {
    /// Where the text after the first occurrence begins.
    fileprivate func range(ofPlain pattern: String) -> String.Index? {
        var index = self.startIndex
        while index < self.endIndex {
            if self[index...].hasPrefix(pattern) { return self.index(index, offsetBy: pattern.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
