import ConfigFile
public import NoticePolicy

/// The section `notifications`: who is told when something needs people.
public struct NotificationSettings: Hashable, Sendable {
    /// Nil: nobody.
    public var url: String?
    public var format = NoticeFormat.json
    public var events = [NoticeChoice.all]
    public var patienceSeconds = 60
    public var secret: String?
    /// Nil: the one that the format has for it.
    public var secretHeader: String?
    public var timeoutSeconds = 15

    public init() {}

    /// Whether somebody wants to hear of it.
    public func tells(_ kind: NoticeKind) -> Bool {
        self.url != nil
            && self.events.contains { choice in
                switch choice {
                case .all: true
                case .kind(let chosen): chosen == kind
                }
            }
    }

    static let keys: [ConfigKey<NotificationSettings>] = [
        .value(
            "url", \.url, .optional(webAddress), .secret,
            help: "Where messages are sent (POST); null tells nobody. `weir notify test` tries it."),
        .value(
            "format", \.format, .choice(NoticeFormat.self),
            help: "json (for scripts and gateways), ntfy, gotify or discord."),
        .list(
            "events", \.events, event,
            help: """
                What to tell of: all, or some of instance_down, instance_up, cap_exceeded, torrent_complete,
                torrent_trouble, disk_full, record_failed, configuration_refused, rollback, other_governor.
                """),
        .value(
            "patience", \.patienceSeconds, .seconds(1...86_400),
            help: "What is over sooner is not told: an instance away, a cap exceeded, a torrent in trouble."),
        .value(
            "secret", \.secret, .optional(headerText), .secret,
            help: """
                Shown to the receiver, so that it knows Weir. Better in WEIR_NOTIFICATIONS_SECRET_FILE than here.
                """),
        .value(
            "secret_header", \.secretHeader, .optional(headerName),
            help: "The header that carries it; null is X-Weir-Secret, or what the format has for it."),
        .value(
            "timeout", \.timeoutSeconds, .seconds(1...60),
            help: "Seconds after which an attempt counts as failed. It is made again, ever later."),
    ]

    private static let event = ScalarKind<NoticeChoice>(
        allowed: "all, or one of " + NoticeKind.configurable.map(\.rawValue).joined(separator: ", "),
        read: { text in
            if text.lowercased() == "all" { return .value(.all) }
            let kind = NoticeKind.configurable.first { $0.rawValue == text.lowercased() }
            return kind.map { .value(.kind($0)) } ?? .refused(hint: nil)
        },
        write: { choice in
            switch choice {
            case .all: "all"
            case .kind(let kind): kind.rawValue
            }
        })

    private static let headerName = ScalarKind<String>.text("the name of a header") { text in
        let isToken = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isToken, 1...100 ~= text.utf8.count else { return "letters, digits, - and _ alone" }
        let taken = ["content-length", "content-type", "host", "transfer-encoding", "connection"]
        return taken.contains(text.lowercased()) ? "this header is not free" : nil
    }
}

/// A word of the list `events`.
public enum NoticeChoice: Hashable, Sendable {
    case all
    case kind(NoticeKind)
}

extension NoticeKind {
    /// A test is told whenever somebody asks for one.
    static let configurable = NoticeKind.allCases.filter { $0 != .test }
}
