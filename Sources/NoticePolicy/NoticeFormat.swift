import JSONValues

/// What a receiver understands.
public enum NoticeFormat: String, CaseIterable, Hashable, Sendable {
    /// An object of our own, for scripts and gateways.
    case json
    case ntfy, gotify, discord
}

/// A message as it is sent.
public struct NoticeRequest: Hashable, Sendable {
    public var headers: [Header]
    public var body: [UInt8]

    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}

extension NoticeFormat {
    /// - Parameters:
    ///   - version: of Weir
    ///   - secret: shown to the receiver in the header `header`, or in the one that its format has for that
    public func request(
        for message: NoticeMessage, version: String, header: String? = nil, secret: String? = nil
    ) -> NoticeRequest {
        var request = NoticeRequest(headers: [], body: [])
        switch self {
        case .json:
            request = Self.object { json in
                json.member("event", message.kind.rawValue)
                json.member("title", message.title)
                json.member("message", message.text)
                json.member("lines", message.lines)
                json.member("count", message.count)
                json.member("urgency", "\(message.kind.urgency)")
                json.member("time", message.time)
                json.member("version", version)
            }
        case .gotify:
            request = Self.object { json in
                json.member("title", message.title)
                json.member("message", message.text)
                json.member("priority", message.kind.urgency.gotifyPriority)
            }
        case .discord:
            request = Self.object { json in
                json.member("username", "Weir")
                json.member("content", Self.discordText(message))
                // No name of a torrent calls everybody.
                json.member("allowed_mentions", object: { $0.member("parse", [String]()) })
            }
        case .ntfy:
            request.headers = [
                .init("Content-Type", "text/plain; charset=utf-8"), .init("Title", message.title),
                .init("Priority", message.kind.urgency.ntfyPriority), .init("Tags", message.kind.rawValue),
            ]
            request.body = Array((message.text.isEmpty ? message.title : message.text).utf8)
        }
        if let secret, !secret.isEmpty {
            request.headers.append(
                header.map { .init($0, secret) } ?? self.secretHeader(secret))
        }
        return request
    }

    private func secretHeader(_ secret: String) -> NoticeRequest.Header {
        switch self {
        case .json: .init("X-Weir-Secret", secret)
        case .gotify: .init("X-Gotify-Key", secret)
        case .ntfy, .discord: .init("Authorization", "Bearer \(secret)")
        }
    }

    private static func object(_ members: (inout JSONWriter) -> Void) -> NoticeRequest {
        var writer = JSONWriter()
        writer.object(members)
        return NoticeRequest(headers: [.init("Content-Type", "application/json")], body: writer.bytes)
    }

    /// 2,000 characters are the most it takes; names are no markup.
    private static func discordText(_ message: NoticeMessage) -> String {
        var text = "**\(message.title)**\n"
        for character in message.text {
            if "\\*_~`|>#[]".contains(character) { text.append("\\") }
            text.append(character)
        }
        return text.count > 1900 ? String(text.prefix(1900)) + "…" : text
    }
}

extension NoticeKind.Urgency {
    fileprivate var gotifyPriority: Int {
        switch self {
        case .low: 2
        case .normal: 5
        case .high: 8
        }
    }

    fileprivate var ntfyPriority: String {
        switch self {
        case .low: "low"
        case .normal: "default"
        case .high: "high"
        }
    }
}
