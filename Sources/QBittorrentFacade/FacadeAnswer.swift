import HTTPServing
import JSONValues
import TorrentCatalog

/// Why a call is refused, in qBittorrent's statuses and plain text.
struct FacadeRefusal: Error {
    var status: Int
    var text: String

    init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }

    init(_ failure: CatalogFailure) {
        switch failure {
        case .noSuchTorrent: self.init(404, "Not Found")
        case .alreadyThere: self.init(409, "The torrent is there already")
        case .invalid(let words): self.init(400, words)
        case .conflict(let words): self.init(409, words)
        case .failed(let words): self.init(500, words)
        case .notSupported(let words): self.init(501, words)
        }
    }

    var response: HTTPResponse { .text(self.text, status: self.status) }
}

extension HTTPResponse {
    static let done = HTTPResponse.text("")

    static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: standardHeaders(ofType: "text/plain; charset=UTF-8"),
            body: Array(text.utf8))
    }

    static func json(_ write: (inout JSONWriter) -> Void) -> HTTPResponse {
        var writer = JSONWriter()
        write(&writer)
        return HTTPResponse(
            status: 200, headers: standardHeaders(ofType: "application/json"), body: writer.bytes)
    }

    static func json(_ bytes: [UInt8], slices: (any HTTPBodySlicing)? = nil) -> HTTPResponse {
        var response = HTTPResponse(
            status: 200, headers: standardHeaders(ofType: "application/json"), body: bytes)
        response.slices = slices
        return response
    }

    static func file(_ bytes: [UInt8], type: String, name: String) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: standardHeaders(ofType: type) + [
                ("content-disposition", "attachment; filename=\"\(name)\"")
            ],
            body: bytes)
    }
}

private func standardHeaders(ofType type: String) -> [(name: String, value: String)] {
    [
        ("content-type", type), ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"), ("referrer-policy", "same-origin"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ]
}
