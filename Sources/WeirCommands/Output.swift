import Glibc
import JSONValues
import SwarmTypes

/// Data to standard output, words to standard error.
struct Output {
    func print(_ text: String) { self.write(text.hasSuffix("\n") ? text : text + "\n", to: 1) }

    func say(_ text: String) { self.write(text.hasSuffix("\n") ? text : text + "\n", to: 2) }

    func print(_ bytes: [UInt8]) {
        self.writeBytes(bytes, to: 1)
        if bytes.last != UInt8(ascii: "\n") { self.writeBytes([UInt8(ascii: "\n")], to: 1) }
    }

    /// One JSON object.
    func printJSON(_ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.object(members)
        self.print(json.bytes)
    }

    /// Columns as wide as their widest cell; numbers are right-aligned where `rightAligned` says so.
    func printTable(_ heads: [String], rightAligned: Set<Int> = [], _ rows: [[String]]) {
        let widths = heads.indices.map { column in
            ([heads] + rows).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        for row in [heads] + rows {
            let cells = row.enumerated().map { column, cell in
                let gap = String(repeating: " ", count: max(0, widths[column] - cell.count))
                return rightAligned.contains(column) ? gap + cell : cell + gap
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            self.print(line)
        }
    }

    /// Asks on the terminal. False when the answer is not yes, or nobody can be asked.
    func confirms(_ question: String) -> Bool {
        guard isatty(0) == 1 else {
            self.say("\(question) Nobody can be asked here; say --yes.")
            return false
        }
        self.write("\(question) [y/N] ", to: 2)
        guard let answer = readLine() else { return false }
        return ["y", "yes"].contains(answer.lowercased())
    }

    /// Words without a line end, to standard error.
    func write(_ text: String) { self.write(text, to: 2) }

    private func write(_ text: String, to descriptor: Int32) {
        self.writeBytes(Array(text.utf8), to: descriptor)
    }

    private func writeBytes(_ bytes: [UInt8], to descriptor: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}

/// A rate for people: "1.50 MiB/s".
func rateText(_ bytesPerSecond: Double) -> String {
    let units: [(Double, String)] = [(1_048_576, "MiB/s"), (1024, "KiB/s")]
    for (size, name) in units where bytesPerSecond >= size {
        let hundredths = Int((bytesPerSecond / size * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(name)"
    }
    return "\(Int(bytesPerSecond)) B/s"
}

func limitText(_ limit: UploadLimit) -> String {
    limit.rate.map { rateText(Double($0.bytesPerSecond)) } ?? "unlimited"
}

/// Text from a stranger, safe on a terminal: without control characters, line separators, and marks that turn the
/// direction of writing or cannot be seen.
func plain(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.filter { scalar in
                switch scalar.value {
                case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF,
                    0xE0000...0xE007F:
                    false
                default: true
                }
            }))
}

/// How a message names the torrent that was asked for. Of a magnet link no more than that: its trackers may hold keys.
func mention(_ argument: String) -> String {
    argument.lowercased().hasPrefix("magnet:") ? "the magnet link" : plain(argument)
}
