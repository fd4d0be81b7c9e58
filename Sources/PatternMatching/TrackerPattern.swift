import CPCRE2

/// Why a pattern is not one.
public struct PatternFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var pattern: String
    /// In the bytes of `pattern`, from 0.
    public var offset: Int
    public var message: String

    public init(pattern: String, offset: Int, message: String) {
        self.pattern = pattern
        self.offset = offset
        self.message = message
    }

    /// The pattern's text up to the offset is what the fault follows.
    public var description: String { "\(self.message), at character \(self.offset + 1) of the pattern" }
}

/// A compiled pattern for tracker URLs: searched anywhere in the URL, letter case ignored.
///
/// The syntax is PCRE2's, which holds that of Python's `re`. Everything is a byte: a pattern for a name beyond
/// ASCII matches its UTF-8 bytes. Interpreted, never compiled to machine code: a service that forbids itself
/// writable executable memory must still run.
///
/// `@unchecked Sendable`: the one stored pointer is set at creation and freed at the end, and PCRE2 only reads a
/// compiled pattern while matching (pcre2api: "can be used simultaneously by multiple threads").
public final class TrackerPattern: @unchecked Sendable {
    /// As configured.
    public let text: String
    private let code: OpaquePointer

    /// Longer patterns are refused.
    public static let maximumLength = 4096
    /// How deep groups may nest.
    private static let maximumNesting: UInt32 = 50

    public init(_ text: String) throws(PatternFailure) {
        let (search, dropped) = searchForm(of: text)
        let bytes = Array(search.utf8)
        guard bytes.count <= Self.maximumLength else {
            throw PatternFailure(
                pattern: text, offset: Self.maximumLength,
                message: "the pattern has more than \(Self.maximumLength) bytes")
        }
        let options = PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C
        let context = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_parens_nest_limit_8(context, Self.maximumNesting)
        var status: Int32 = 0
        var offset = 0
        // `CPCRE2` sees the length, so a NUL in the pattern is a byte like any other.
        guard let code = pcre2_compile_8(bytes, bytes.count, UInt32(options), &status, &offset, context)
        else {
            throw PatternFailure(pattern: text, offset: dropped + offset, message: Self.message(status))
        }
        self.text = text
        self.code = code
    }

    deinit { pcre2_code_free_8(self.code) }

    /// Whether a search finds the pattern in any URL: it is found in nothing at all.
    public var matchesEverything: Bool {
        guard let workspace = MatchWorkspace(urlLength: 0) else { return false }
        return self.search(UnsafeBufferPointer(start: nil, count: 0), using: workspace) == .found
    }

    enum Answer { case found, notFound, limitExceeded }

    func search(_ url: UnsafeBufferPointer<UInt8>, using workspace: borrowing MatchWorkspace) -> Answer {
        // PCRE2 takes no nil for an empty subject in the versions we run on.
        var nothing: UInt8 = 0
        let status = withUnsafePointer(to: &nothing) { empty in
            pcre2_match_8(
                self.code, url.baseAddress ?? empty, url.count, 0, 0, workspace.matchData, workspace.context)
        }
        return switch status {
        case PCRE2_ERROR_NOMATCH: .notFound
        case 0...: .found
        // The match, depth and heap limits; whatever else PCRE2 may report says as little about the URL.
        default: .limitExceeded
        }
    }

    private static func message(_ status: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pcre2_get_error_message_8(status, &buffer, buffer.count)
        return count > 0
            ? String(decoding: buffer.prefix(Int(count)), as: UTF8.self) : "PCRE2 error \(status)"
    }
}

/// What one look-up needs beside the pattern; not shared between threads.
///
/// The work a pattern may do is bounded by steps, not by time, so that the same URL always has the same answer.
/// PCRE2 counts steps for each place in the URL where it tries to start: the limit for one start shrinks with
/// the length, so that all starts together stay below `totalSteps`.
struct MatchWorkspace: ~Copyable {
    fileprivate let matchData: OpaquePointer
    fileprivate let context: OpaquePointer

    /// About 10 ns each. Lets `a.*b` through on a URL of 1000 bytes.
    static let totalSteps = 1_000_000
    /// Enough for any sensible pattern on a URL of usual length; `^(a+)+$` stops here after about 0.1 ms.
    static let mostStepsAStart = 10_000
    private static let heapKilobytes: UInt32 = 1024

    /// Nil when memory is short.
    init?(urlLength: Int) {
        guard let matchData = pcre2_match_data_create_8(1, nil) else { return nil }
        guard let context = pcre2_match_context_create_8(nil) else {
            pcre2_match_data_free_8(matchData)
            return nil
        }
        let steps = min(Self.mostStepsAStart, Self.totalSteps / max(urlLength, 1))
        pcre2_set_match_limit_8(context, UInt32(clamping: steps))
        pcre2_set_depth_limit_8(context, UInt32(clamping: steps))
        pcre2_set_heap_limit_8(context, Self.heapKilobytes)
        self.matchData = matchData
        self.context = context
    }

    deinit {
        pcre2_match_data_free_8(self.matchData)
        pcre2_match_context_free_8(self.context)
    }
}
