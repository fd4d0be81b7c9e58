/// Collects the header lines of a response as they arrive. What a server may send is bounded.
struct ResponseHead {
    /// Why a head is refused.
    enum Excess: Equatable { case tooManyHeaders(maximum: Int), tooManyBytes(maximum: Int) }

    static let maximumHeaders = 128
    /// For all lines, those of interim responses (100, 103) and trailers included.
    static let maximumBytes = 64 * 1024

    private(set) var headers: [(name: String, value: String)] = []
    private(set) var excess: Excess?
    /// The empty line that ends the head has come. libcurl takes a connection that ends before it for the end
    /// of a response without a body.
    private(set) var isComplete = false
    private var byteCount = 0

    /// Lengths that are no numbers or contradict each other; libcurl reads some of them somehow.
    var isLengthAmbiguous: Bool {
        let lengths = self.headers.filter { $0.name == "content-length" }.map(\.value)
        return lengths.contains { length in
            length != lengths[0] || length.isEmpty
                || !length.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
    }

    /// Takes one line with its line break. Answers false, with the reason in `excess`, when it is too much.
    mutating func receive(_ line: Span<UInt8>) -> Bool {
        self.byteCount += line.count
        guard self.byteCount <= Self.maximumBytes else {
            self.excess = .tooManyBytes(maximum: Self.maximumBytes)
            return false
        }
        // A status line begins the next head: only the last one is the response's.
        if Self.isStatusLine(line) {
            self.headers = []
            self.isComplete = false
            return true
        }
        var colon = 0
        while colon < line.count, line[colon] != UInt8(ascii: ":") { colon += 1 }
        if line.indices.allSatisfy({ Self.isBreak(line[$0]) }) {
            self.isComplete = true
            return true
        }
        // Folded lines, which no server may send any more, and what is no header at all.
        guard colon > 0, colon < line.count, !Self.isBlank(line[0]) else { return true }
        guard self.headers.count < Self.maximumHeaders else {
            self.excess = .tooManyHeaders(maximum: Self.maximumHeaders)
            return false
        }
        var (start, end) = (colon + 1, line.count)
        while start < end, Self.isBlank(line[start]) { start += 1 }
        while end > start, Self.isBlank(line[end - 1]) { end -= 1 }
        let name = Self.text(line.extracting(0..<colon)).lowercased()
        self.headers.append((name, Self.text(line.extracting(start..<end))))
        return true
    }

    private static func isStatusLine(_ line: Span<UInt8>) -> Bool {
        let start: StaticString = "HTTP/"
        guard line.count > start.utf8CodeUnitCount else { return false }
        return start.withUTF8Buffer { bytes in bytes.indices.allSatisfy { line[$0] == bytes[$0] } }
    }

    private static func isBreak(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || self.isBreak(byte) }

    private static func text(_ bytes: Span<UInt8>) -> String {
        bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
