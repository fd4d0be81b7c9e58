import EventIO
import Glibc
import Synchronization

/// Writes lines to standard error and, if wanted, to a file that is put aside when full.
///
/// From any thread. A line that cannot be written stops nobody: the first failure of the file is told on
/// standard error, and the first success after it ends the silence. What is below the level costs one load:
/// neither message nor fields are evaluated.
public final class Logger: Sendable {
    private struct Output: ~Copyable {
        var format: LogFormat
        var file: RotatingFile?
        var fileSettings: LogFileSettings?
        var hasFileFailed = false
        var secrets = SecretSet()
    }

    private let rank: Atomic<Int>
    /// Where lines go beside the file; nil for nowhere.
    private let console: Int32?
    private let output: Lock<Output>

    /// `console` is standard error, or another open descriptor, or nil for the file alone. A file that cannot be
    /// opened is told there too, and tried again with each line.
    public init(
        level: LogLevel = .info, format: LogFormat = .text, console: Int32? = 2,
        file: LogFileSettings? = nil
    ) {
        self.rank = Atomic(level.rank)
        self.console = console
        self.output = Lock(Output(format: format, file: file.map { RotatingFile($0) }, fileSettings: file))
    }

    /// Lines below it are not written. May be changed at any time.
    public var level: LogLevel {
        get { LogLevel.allCases.first { $0.rank == self.rank.load(ordering: .relaxed) } ?? .info }
        set { self.rank.store(newValue.rank, ordering: .relaxed) }
    }

    /// Writes in another form or to another file from now on. The file stays open where it stays the same.
    public func use(format: LogFormat, file: LogFileSettings?) {
        self.output.withLock { output in
            output.format = format
            guard output.fileSettings != file else { return }
            output.fileSettings = file
            output.file = file.map { RotatingFile($0) }
            output.hasFileFailed = false
        }
    }

    /// From now on these texts, if four bytes or longer, appear as `***`, also percent-encoded. Adds to those of
    /// earlier calls. URLs need no call: each is written as `redactURL` leaves it.
    public func redacting(_ secrets: [String]) {
        self.output.withLock { $0.secrets.insert(secrets) }
    }

    /// The text as a line would show it, without secrets and keys in URLs: for what leaves by another way.
    public func cleaned(_ text: String) -> String {
        let secrets = self.output.withLock { $0.secrets }
        return redactURLs(in: secrets.redacting(text))
    }

    public func debug(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        self.log(.debug, message(), fields())
    }

    public func info(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        self.log(.info, message(), fields())
    }

    public func warning(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        self.log(.warning, message(), fields())
    }

    public func error(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        self.log(.error, message(), fields())
    }

    public func log(
        _ level: LogLevel, _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        guard level.rank >= self.rank.load(ordering: .relaxed) else { return }
        // Evaluated outside the lock, because they may log themselves.
        let (message, fields) = (message(), fields())
        self.output.withLock { output in
            let secrets = output.secrets
            let clean = { (text: String) in redactURLs(in: secrets.redacting(text)) }
            var record = LogRecord(time: currentTimeText(), level: level, message: clean(message), fields: [])
            for (name, value) in fields {
                if case .text(let text) = value {
                    record.fields.append((name, .text(clean(text))))
                } else {
                    record.fields.append((name, value))
                }
            }
            self.write(record, to: &output)
        }
    }

    private func write(_ record: LogRecord, to output: inout Output) {
        let line = Array(record.rendered(as: output.format).utf8)
        self.writeToConsole(line)
        guard output.file != nil else { return }
        do throws(RotatingFile.Failure) {
            try output.file?.write(line)
            output.hasFileFailed = false
        } catch {
            if output.hasFileFailed { return }
            output.hasFileFailed = true
            let report = LogRecord(
                time: record.time, level: .error, message: "the log file cannot be written",
                fields: [
                    ("call", .text(error.call)), ("reason", .text(String(cString: strerror(error.code)))),
                ])
            self.writeToConsole(Array(report.rendered(as: output.format).utf8))
        }
    }

    /// What the console does not take is lost: there is nobody left to tell.
    private func writeToConsole(_ line: [UInt8]) {
        guard let console = self.console else { return }
        var written = 0
        while written < line.count {
            let count = line.withUnsafeBytes { buffer in
                Glibc.write(console, buffer.baseAddress?.advanced(by: written), line.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}

/// The time of day as "2026-01-31T12:34:56.789Z".
private func currentTimeText() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return timeText(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
}

func timeText(seconds: Int, milliseconds: Int) -> String {
    var seconds = seconds
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let padded = { (number: Int, width: Int) -> String in
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    let date =
        "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    let clock =
        "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    return "\(date)T\(clock).\(padded(milliseconds, 3))Z"
}
