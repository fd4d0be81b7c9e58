import HTTPServing
import JSONValues
import SwarmTypes

/// What a webhook says, of which only two fields are believed.
struct HookBody {
    var event: HookEvent
    /// The event's name, when one was sent that is not known.
    var unknownEvent: String?

    init(_ request: HTTPRequest) throws(APIError) {
        let contentType = request.header("content-type")
        let fields: [(name: String, value: String)]
        if isJSON(contentType, request.body) {
            fields = try jsonFields(request.body)
        } else {
            fields = try formFields(contentType, request.body)
        }
        var hash: String?
        var event: String?
        var names: Set<String> = []
        for field in fields {
            guard names.insert(field.name).inserted else {
                throw APIError(
                    400, "repeated_field", "A field may come only once.",
                    detail: ["field": String(field.name.prefix(32))])
            }
            if field.name == "hash" { hash = field.value }
            if field.name == "event" { event = field.value }
        }
        guard let hash else {
            throw APIError(
                400, "hash_missing", "The webhook needs the field hash=%I (and may name an event).")
        }
        self.event = HookEvent(kind: .unspecified, torrent: try torrentID(hash))
        guard let event else { return }
        if let kind = eventKinds[event.lowercased()] {
            self.event.kind = kind
        } else {
            self.unknownEvent = String(event.prefix(32))
        }
    }
}

private let eventKinds: [String: HookEvent.Kind] = [
    "add": .added, "added": .added, "complete": .completed, "completed": .completed, "finished": .completed,
    "delete": .deleted, "deleted": .deleted, "remove": .deleted, "removed": .deleted,
]

private func torrentID(_ hash: String) throws(APIError) -> TorrentID? {
    // qBittorrent writes a dash where a v2-only torrent has no v1 hash.
    if hash == "-" { return nil }
    guard let id = TorrentID(hex: hash) else {
        throw APIError(400, "bad_hash", "The field hash must be an info-hash of 40 or 64 hexadecimal digits.")
    }
    return id
}

/// By its type, or by its first byte where no type was sent.
private func isJSON(_ contentType: String?, _ body: [UInt8]) -> Bool {
    if let contentType, !contentType.isEmpty { return MediaType(contentType).isJSON }
    return body.first { $0 > 0x20 } == UInt8(ascii: "{")
}

private func jsonFields(_ body: [UInt8]) throws(APIError) -> [(name: String, value: String)] {
    let value: JSONValue
    do { value = try JSONReader.read(body) } catch { throw APIError(400, "bad_json", "\(error).") }
    guard case .object(let members) = value else {
        throw APIError(400, "bad_json", "The webhook's JSON must be an object with the member \"hash\".")
    }
    var fields: [(name: String, value: String)] = []
    for member in members {
        switch member.value {
        case .string(let text): fields.append((member.name, text))
        default:
            guard member.name != "hash", member.name != "event" else {
                throw APIError(400, "bad_\(member.name)", "The member \"\(member.name)\" must be a string.")
            }
        }
    }
    return fields
}

/// A form of either kind; without a type, or as plain text, it is urlencoded.
private func formFields(
    _ contentType: String?, _ body: [UInt8]
) throws(APIError) -> [(name: String, value: String)] {
    let given = contentType.map { MediaType($0).name } ?? ""
    let isPlain = given.isEmpty || given == "text/plain"
    do throws(FormFailure) {
        return try FormBody.parse(
            contentType: isPlain ? "application/x-www-form-urlencoded" : contentType ?? "", body: body,
            maximumFieldBytes: body.count)
    } catch {
        throw formError(error)
    }
}

private func formError(_ failure: FormFailure) -> APIError {
    switch failure {
    case .unsupportedType:
        APIError(
            415, "unsupported_type",
            "The webhook takes a form (urlencoded or multipart/form-data with a boundary) or JSON.")
    case .malformed:
        APIError(400, "bad_form", "The form is malformed. With curl, send each field by --data-urlencode.")
    case .tooManyFields(let maximum):
        APIError(400, "too_many_fields", "The form has more than \(maximum) fields.")
    case .fieldTooLong(let maximum):
        APIError(400, "field_too_long", "A field has more than \(maximum) bytes.")
    case .filePart(let name):
        APIError(
            400, "file_in_form", "The webhook takes no files.", detail: ["field": String(name.prefix(32))])
    }
}
