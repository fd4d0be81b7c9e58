import HTTPServing
import SwarmTypes

/// What a webhook says, of which only two fields are believed.
struct HookBody {
    var event: HookEvent
    /// The event's name, when one was sent that is not known.
    var unknownEvent: String?

    init(_ request: HTTPRequest) throws(APIError) {
        let contentType = request.header("content-type")
        let fields: [FormField]
        if isJSON(contentType, request.body) {
            fields = try jsonFields(request.body)
        } else {
            do { fields = try parseForm(contentType: contentType, body: request.body) } catch {
                throw formError(error)
            }
        }
        var hash: FormField?
        var event: FormField?
        var names: Set<String> = []
        for field in fields {
            guard names.insert(field.name).inserted else {
                throw APIError(
                    400, "repeated_field", "A field may come only once.",
                    detail: ["field": String(field.name.prefix(32))])
            }
            if field.name == "hash" { hash = field }
            if field.name == "event" { event = field }
        }
        guard let hash else {
            throw APIError(
                400, "hash_missing", "The webhook needs the field hash=%I (and may name an event).")
        }
        self.event = HookEvent(kind: .unspecified, torrent: try torrentID(hash))
        guard let event else { return }
        guard !event.isFile else { throw APIError(400, "bad_event", "The field event must be text.") }
        if let kind = eventKinds[event.value.lowercased()] {
            self.event.kind = kind
        } else {
            self.unknownEvent = String(event.value.prefix(32))
        }
    }
}

private let eventKinds: [String: HookEvent.Kind] = [
    "add": .added, "added": .added, "complete": .completed, "completed": .completed, "finished": .completed,
    "delete": .deleted, "deleted": .deleted, "remove": .deleted, "removed": .deleted,
]

private func torrentID(_ field: FormField) throws(APIError) -> TorrentID? {
    // qBittorrent writes a dash where a v2-only torrent has no v1 hash.
    if field.value == "-" && !field.isFile { return nil }
    guard !field.isFile, let id = TorrentID(hex: field.value) else {
        throw APIError(400, "bad_hash", "The field hash must be an info-hash of 40 or 64 hexadecimal digits.")
    }
    return id
}

/// By its type, or by its first byte where no type was sent.
private func isJSON(_ contentType: String?, _ body: [UInt8]) -> Bool {
    if let contentType, !contentType.isEmpty { return MediaType(contentType).isJSON }
    return body.first { $0 > 0x20 } == UInt8(ascii: "{")
}

private func jsonFields(_ body: [UInt8]) throws(APIError) -> [FormField] {
    let value: JSONValue
    do { value = try JSONReader.read(body) } catch { throw APIError(400, "bad_json", "\(error).") }
    guard case .object(let members) = value else {
        throw APIError(400, "bad_json", "The webhook's JSON must be an object with the member \"hash\".")
    }
    var fields: [FormField] = []
    for member in members {
        switch member.value {
        case .string(let text): fields.append(FormField(name: member.name, value: text))
        default:
            guard member.name != "hash", member.name != "event" else {
                throw APIError(400, "bad_\(member.name)", "The member \"\(member.name)\" must be a string.")
            }
        }
    }
    return fields
}

private func formError(_ failure: FormFailure) -> APIError {
    switch failure {
    case .unsupportedType:
        APIError(
            415, "unsupported_type",
            "The webhook takes a form (urlencoded or multipart/form-data with a boundary) or JSON.")
    case .malformed:
        APIError(400, "bad_form", "The form is malformed. With curl, send each field by --data-urlencode.")
    case .tooManyFields(let limit):
        APIError(400, "too_many_fields", "The form has more than \(limit) fields.")
    }
}
