import Glibc

/// Where and how large a log file may be.
public struct LogFileSettings: Hashable, Sendable {
    public var path: String
    /// The file is put aside before it grows beyond this; 0 means never.
    public var maximumMegabytes: Int
    /// How many files put aside are kept, as `path.1` (the youngest), `path.2` and so on.
    public var backupCount: Int

    public init(path: String, maximumMegabytes: Int = 10, backupCount: Int = 5) {
        self.path = path
        self.maximumMegabytes = maximumMegabytes
        self.backupCount = backupCount
    }
}

/// A file to append to that is put aside when full, and opened anew when someone else moved it away.
struct RotatingFile: ~Copyable {
    /// The system call that failed and its `errno`.
    struct Failure: Error, Equatable {
        var call: String
        var code: Int32
    }

    private let path: String
    private let maximumBytes: Int
    private let backupCount: Int
    private var descriptor: Int32 = -1
    private var identity = stat()
    private var byteCount = 0
    /// The last write stopped within a line.
    private var isMidLine = false

    init(path: String, maximumBytes: Int, backupCount: Int) {
        self.path = path
        self.maximumBytes = maximumBytes
        self.backupCount = backupCount
    }

    init(_ settings: LogFileSettings) {
        let (bytes, isTooLarge) = settings.maximumMegabytes.multipliedReportingOverflow(by: 1_000_000)
        self.init(
            path: settings.path, maximumBytes: isTooLarge ? 0 : max(0, bytes),
            backupCount: max(0, settings.backupCount))
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Appends whole lines. A line that could not be put aside for is written all the same, and the failure
    /// thrown after it.
    mutating func write(_ bytes: [UInt8]) throws(Failure) {
        if !self.isStillThere() { try self.open() }
        var rotation: Failure?
        if self.maximumBytes > 0, self.byteCount > 0, self.byteCount + bytes.count > self.maximumBytes {
            do throws(Failure) { try self.putAside() } catch { rotation = error }
            if self.descriptor < 0 { try self.open() }
        }
        if self.isMidLine { try self.append([UInt8(ascii: "\n")]) }
        try self.append(bytes)
        if let rotation { throw rotation }
    }

    private func isStillThere() -> Bool {
        guard self.descriptor >= 0 else { return false }
        var found = stat()
        return stat(self.path, &found) == 0 && found.st_ino == self.identity.st_ino
            && found.st_dev == self.identity.st_dev
    }

    private mutating func open() throws(Failure) {
        makeFolders(of: self.path)
        if self.descriptor >= 0 { close(self.descriptor) }
        self.descriptor = Glibc.open(self.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard self.descriptor >= 0, fstat(self.descriptor, &self.identity) == 0 else {
            throw Failure(call: "open", code: errno)
        }
        self.byteCount = Int(self.identity.st_size)
        self.isMidLine = false
    }

    private mutating func putAside() throws(Failure) {
        if self.backupCount == 0 {
            guard ftruncate(self.descriptor, 0) == 0 else { throw Failure(call: "ftruncate", code: errno) }
            self.byteCount = 0
            return
        }
        for number in stride(from: self.backupCount, to: 1, by: -1) {
            // Fails where there are fewer files yet.
            rename("\(self.path).\(number - 1)", "\(self.path).\(number)")
        }
        guard rename(self.path, "\(self.path).1") == 0 else { throw Failure(call: "rename", code: errno) }
        close(self.descriptor)
        self.descriptor = -1
    }

    private mutating func append(_ bytes: [UInt8]) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(self.descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                self.isMidLine = self.isMidLine || written > 0
                throw Failure(call: "write", code: code)
            }
            written += count
            self.byteCount += count
        }
        self.isMidLine = bytes.last != UInt8(ascii: "\n")
    }
}

/// Makes the folders above a file that are missing. What cannot be made shows when the file is opened.
private func makeFolders(of path: String) {
    var place = path.startIndex
    while let slash = path[place...].firstIndex(of: "/") {
        place = path.index(after: slash)
        if slash != path.startIndex { mkdir(String(path[..<slash]), 0o755) }
    }
}
