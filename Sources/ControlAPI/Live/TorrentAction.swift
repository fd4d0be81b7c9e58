import JSONValues
import SwarmTypes
import TorrentCatalog

/// What a person wants done to one or many torrents.
struct TorrentAction: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case start, stop, recheck, announce, force, unforce, remove, category, move
        case addTags = "add_tags"
        case removeTags = "remove_tags"
        case upLimit = "up_limit"
        case downLimit = "down_limit"
        case shareLimits = "share_limits"
        case queueTop = "queue_top"
        case queueBottom = "queue_bottom"
        case queueUp = "queue_up"
        case queueDown = "queue_down"
    }

    static let maximumTargets = 100_000

    let kind: Kind
    let command: TorrentCommand
    let targets: TorrentTargets
    let isConfirmed: Bool

    init(_ body: JSONValue) throws(APIError) {
        guard let name = body["action"]?.text, let kind = Kind(rawValue: name) else {
            let names = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(400, "bad_action", "\"action\" must be one of \(names).")
        }
        self.kind = kind
        self.command = try Self.command(kind, body)
        self.targets = try Self.targets(body)
        self.isConfirmed = body["confirm"] == .bool(true)
    }

    private static func targets(_ body: JSONValue) throws(APIError) -> TorrentTargets {
        if body["all"] == .bool(true), body["ids"] == nil { return .all }
        guard let elements = body["ids"]?.elements, !elements.isEmpty, elements.count <= self.maximumTargets,
            body["all"] == nil || body["all"] == .bool(false)
        else {
            throw APIError(
                400, "bad_targets",
                "Send \"ids\" with 1 to \(self.maximumTargets) info-hashes, or \"all\": true; not both.")
        }
        var ids: [TorrentID] = []
        ids.reserveCapacity(elements.count)
        for element in elements {
            guard let id = element.text.flatMap({ TorrentID(hex: $0) }) else {
                throw APIError(
                    400, "bad_hash", "Each id must be an info-hash of 40 or 64 hexadecimal digits.")
            }
            ids.append(id)
        }
        return .some(ids)
    }

    private static func command(_ kind: Kind, _ body: JSONValue) throws(APIError) -> TorrentCommand {
        switch kind {
        case .start: return .start
        case .stop: return .stop
        case .recheck: return .recheck
        case .announce: return .announce
        case .force: return .force(true)
        case .unforce: return .force(false)
        case .remove: return .remove(withFiles: body["with_files"] == .bool(true))
        case .category: return .setCategory(try self.text(body, "category"))
        case .move: return .move(to: try self.text(body, "directory"))
        case .addTags: return .addTags(try self.tags(body))
        case .removeTags: return .removeTags(try self.tags(body))
        case .upLimit: return .setUploadLimit(try self.limit(body))
        case .downLimit: return .setDownloadLimit(try self.limit(body))
        case .shareLimits: return .setShareLimits(try self.shareLimits(body))
        case .queueTop: return .queue(.top)
        case .queueBottom: return .queue(.bottom)
        case .queueUp: return .queue(.up)
        case .queueDown: return .queue(.down)
        }
    }

    private static func text(_ body: JSONValue, _ name: String) throws(APIError) -> String {
        guard let text = body[name]?.text, text.utf8.count <= 1000 else {
            throw APIError(400, "bad_\(name)", "\"\(name)\" must be a text of at most 1000 bytes.")
        }
        return text
    }

    private static func tags(_ body: JSONValue) throws(APIError) -> [String] {
        let tags = body["tags"]?.elements?.compactMap(\.text) ?? []
        guard !tags.isEmpty, tags.count == body["tags"]?.elements?.count, tags.count <= 100,
            tags.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 200 })
        else {
            throw APIError(400, "bad_tags", "\"tags\" must be a list of 1 to 100 names.")
        }
        return tags
    }

    /// -1 is unlimited; 0 would be too, somewhere, and is refused.
    private static func limit(_ body: JSONValue) throws(APIError) -> UploadLimit {
        switch body["limit"]?.integer {
        case -1: return .unlimited
        case .some(let rate) where (1...(1 << 40)).contains(rate): return .bytesPerSecond(rate)
        default:
            throw APIError(
                400, "bad_limit", "\"limit\" must be bytes per second from 1, or -1 for unlimited.")
        }
    }

    /// Left out: as set for all. Null: none.
    private static func shareLimits(_ body: JSONValue) throws(APIError) -> ShareLimits {
        var limits = ShareLimits()
        switch body["ratio"] {
        case nil: break
        case .null?: limits.ratio = .none
        case let value?:
            guard let ratio = value.double, (0...100_000).contains(ratio) else {
                throw APIError(400, "bad_ratio", "\"ratio\" must be a number from 0, or null for none.")
            }
            limits.ratio = .value(ratio)
        }
        switch body["seeding_minutes"] {
        case nil: break
        case .null?: limits.seedingMinutes = .none
        case let value?:
            guard let minutes = value.integer, (0...10_000_000).contains(minutes) else {
                throw APIError(
                    400, "bad_seeding_minutes",
                    "\"seeding_minutes\" must be a whole number from 0, or null for none.")
            }
            limits.seedingMinutes = .value(minutes)
        }
        return limits
    }

    static let schema = Schema.object([
        "action": .choice(Kind.allCases.map(\.rawValue)), "ids": .optional(.array(.string)),
        "all": .optional(.boolean), "confirm": .optional(.boolean), "with_files": .optional(.boolean),
        "category": .optional(.string), "directory": .optional(.string), "tags": .optional(.array(.string)),
        "limit": .optional(.integer), "ratio": .optional(.nullable(.number)),
        "seeding_minutes": .optional(.nullable(.integer)),
    ])
}
