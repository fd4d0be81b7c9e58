import Glibc

/// The version of the product, the same everywhere it is shown.
public let weirVersion = "0.1.0"

/// Why Weir cannot start or go on. Each case is an exit code of the command line.
public enum ServiceFailure: Error, Hashable, Sendable {
    /// The configuration cannot be used: all that is wrong with it.
    case configuration(String)
    /// The journal cannot be opened or written.
    case journal(String)
    /// The listening socket cannot be had.
    case listening(String)
    case system(String)
    /// A qBittorrent or a running Weir cannot be reached.
    case unreachable(String)
    /// The other side says no.
    case refused(String)
    /// An input file, or a text that stands for one, is damaged or not what it should be.
    case badInput(String)
    /// Another process of ours is at it.
    case busy(String)
    /// An option's value makes no sense.
    case usage(String)

    public var message: String {
        switch self {
        case .configuration(let text), .journal(let text), .listening(let text), .system(let text),
            .unreachable(let text), .refused(let text), .badInput(let text), .busy(let text),
            .usage(let text):
            text
        }
    }
}

/// Seconds since 1970.
func wallSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
