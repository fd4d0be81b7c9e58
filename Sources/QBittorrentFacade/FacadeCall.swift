import HTTPServing
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// A request to the facade with its parameters, as qBittorrent takes them: those of a POST from its body alone, the last of
/// a repeated name, names as they are.
struct FacadeCall: Sendable {
    var request: HTTPRequest
    var directing: any TorrentDirecting
    var desk: FacadeDesk
    var telling = Telling()
    private var fields: [String: String] = [:]
    /// Parts with a file name.
    private(set) var files: [[UInt8]] = []

    static let maximumPartBytes = 32 << 20
    static let maximumParts = 1000

    init(
        _ request: HTTPRequest, directing: any TorrentDirecting, desk: FacadeDesk
    ) throws(FacadeRefusal) {
        self.request = request
        self.directing = directing
        self.desk = desk
        guard request.method == "POST" else {
            for (name, value) in request.query { self.fields[name] = value }
            return
        }
        if request.body.isEmpty { return }
        do throws(FormFailure) {
            let parts = try FormBody.parts(
                contentType: request.header("content-type") ?? "", body: request.body,
                maximumParts: Self.maximumParts, maximumPartBytes: Self.maximumPartBytes)
            for part in parts {
                if part.fileName == nil {
                    self.fields[part.name] = String(decoding: part.content, as: UTF8.self)
                } else {
                    self.files.append(part.content)
                }
            }
        } catch {
            throw FacadeRefusal(400, "Bad Request")
        }
        // Some send the body of a setter without escapes.
        if let json = self.rawMember("json"), self.fields["json"] == nil { self.fields["json"] = json }
    }

    /// The body's text after "name=", when it begins so and is no proper form.
    private func rawMember(_ name: String) -> String? {
        let prefix = Array("\(name)={".utf8)
        guard self.request.body.starts(with: prefix) else { return nil }
        return String(decoding: self.request.body.dropFirst(prefix.count - 1), as: UTF8.self)
    }

    subscript(_ name: String) -> String? { self.fields[name] }

    func text(_ name: String) throws(FacadeRefusal) -> String {
        guard let value = self.fields[name] else { throw FacadeRefusal(400, "Bad Request") }
        return value
    }

    /// Of the spellings of newer and older versions the first that was sent.
    func text(_ name: String, or older: String) throws(FacadeRefusal) -> String {
        if let value = self.fields[name] { return value }
        return try self.text(older)
    }

    /// True for "true" and "1"; nil for what is neither that nor its opposite, or was not sent.
    func flag(_ name: String) -> Bool? {
        switch self.fields[name]?.lowercased() {
        case "true", "1": true
        case "false", "0": false
        default: nil
        }
    }

    /// What is not true is false, but has to be sent.
    func decision(_ name: String) throws(FacadeRefusal) -> Bool {
        _ = try self.text(name)
        return self.flag(name) ?? false
    }

    func integer(_ name: String) -> Int64? { self.fields[name].flatMap { Int64($0) } }

    /// qBittorrent takes zero, less than that, too much and nonsense as no limit at all.
    func limit(_ name: String) -> UploadLimit {
        guard let value = self.integer(name), value > 0, value < Int64(Int32.max) else { return .unlimited }
        return .bytesPerSecond(value)
    }

    /// Separated by a bar; "all" is all. Others that are no info-hash mean nothing.
    func targets(_ name: String = "hashes") throws(FacadeRefusal) -> TorrentTargets {
        let text = try self.text(name)
        if text == "all" { return .all }
        return .some(text.split(separator: "|").compactMap { TorrentID(facadeHash: $0) })
    }

    /// The one torrent that a call is about.
    func torrent(_ name: String = "hash") throws(FacadeRefusal) -> TorrentID {
        guard let id = TorrentID(facadeHash: try self.text(name)), self.directing.mirror.row(of: id) != nil
        else {
            throw FacadeRefusal(404, "Not Found")
        }
        return id
    }

    func list(_ name: String, separatedBy separator: Character) throws(FacadeRefusal) -> [String] {
        try self.text(name).split(separator: separator).map { trimmed(String($0)) }.filter { !$0.isEmpty }
    }
}

extension TorrentID {
    /// Of 40 hex digits; of 64 the first 40, which is how version 2 torrents are named.
    init?(facadeHash text: some StringProtocol) {
        let count = text.utf8.count
        guard count == 40 || count == 64 else { return nil }
        self.init(hex: text.prefix(40))
    }
}

func trimmed(_ text: String) -> String {
    let isSpace = { (character: Character) in character.isWhitespace }
    guard let first = text.firstIndex(where: { !isSpace($0) }),
        let last = text.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(text[first...last])
}

/// Without empty parts, "." and, as far as it goes, "..", as qBittorrent cleans the paths that it is sent.
func cleanedPath(_ text: String) -> String {
    var parts: [Substring] = []
    for part in text.split(separator: "/") where part != "." {
        if part == "..", let last = parts.last, last != ".." {
            parts.removeLast()
        } else if part != ".." || !text.hasPrefix("/") {
            parts.append(part)
        }
    }
    return (text.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
}
