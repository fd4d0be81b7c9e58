/// A rate in bytes per second, never negative.
public struct ByteRate: Hashable, Comparable, Sendable {
    public let bytesPerSecond: Int64

    /// A negative value becomes zero.
    public init(bytesPerSecond: Int64) { self.bytesPerSecond = max(0, bytesPerSecond) }

    public static let zero = ByteRate(bytesPerSecond: 0)

    public static func < (left: Self, right: Self) -> Bool { left.bytesPerSecond < right.bytesPerSecond }
}

/// What a torrent or a tracker may upload. "Unlimited" is a case: each foreign spelling (-1, 0, null)
/// is turned into it where the foreign text is read, and nowhere else.
public enum UploadLimit: Hashable, Sendable {
    case unlimited
    case atMost(ByteRate)

    public static func bytesPerSecond(_ value: Int64) -> UploadLimit {
        .atMost(ByteRate(bytesPerSecond: value))
    }

    /// Nil when unlimited.
    public var rate: ByteRate? {
        switch self {
        case .unlimited: nil
        case .atMost(let rate): rate
        }
    }
}

/// Unlimited is above every rate.
extension UploadLimit: Comparable {
    public static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.unlimited, _): false
        case (.atMost, .unlimited): true
        case (.atMost(let left), .atMost(let right)): left < right
        }
    }
}
