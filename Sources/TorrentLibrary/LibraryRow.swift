import SwarmTypes
import TorrentCatalog

/// What the database keeps of a torrent beside its record; one row of the table `library`, and its files.
struct LibraryRow: Sendable {
    struct Flags: OptionSet, Sendable {
        let rawValue: Int64
        static let stopped = Flags(rawValue: 1)
        static let forced = Flags(rawValue: 2)
        static let managed = Flags(rawValue: 4)
        static let sequential = Flags(rawValue: 8)
        static let endsFirst = Flags(rawValue: 16)
        static let hasMetadata = Flags(rawValue: 32)
        static let severalFiles = Flags(rawValue: 64)
        static let filesMissing = Flags(rawValue: 128)
        static let mustBeChecked = Flags(rawValue: 256)
        static let renamed = Flags(rawValue: 512)
    }

    struct File: Sendable {
        var priority = FilePriority.normal
        var path: String?
    }

    var line: TorrentSummary
    var flags: Flags
    var queuePlace: Int64?
    var failure: String
    /// The name of the content below its folder.
    var root: String
    var files: [Int: File]
    /// Nil for the torrent's own.
    var trackers: [[String]]?
}

extension FilePriority {
    var number: Int64 {
        switch self {
        case .skip: 0
        case .normal: 1
        case .high: 2
        case .highest: 3
        }
    }

    init(number: Int64) {
        switch number {
        case 0: self = .skip
        case 2: self = .high
        case 3: self = .highest
        default: self = .normal
        }
    }
}

extension ShareLimits.Bound<Int64> {
    /// As the database keeps it.
    var column: Int64? {
        switch self {
        case .inherited: nil
        case .none: -1
        case .value(let value): value
        }
    }

    init(column: Int64?) {
        switch column {
        case nil: self = .inherited
        case .some(let value): self = value < 0 ? .none : .value(value)
        }
    }
}

extension ShareLimits.Bound<Double> {
    var column: Int64? {
        switch self {
        case .inherited: nil
        case .none: -1
        case .value(let value): Int64(exactly: (value * 1000).rounded()) ?? -1
        }
    }

    init(column: Int64?) {
        switch column {
        case nil: self = .inherited
        case .some(let value): self = value < 0 ? .none : .value(Double(value) / 1000)
        }
    }
}

/// Tiers as text: an empty line between them.
func text(of tiers: [[String]]) -> String {
    tiers.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
}

func readTiers(_ text: String) -> [[String]] {
    var tiers: [[String]] = [[]]
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if line.isEmpty {
            tiers.append([])
        } else {
            tiers[tiers.count - 1].append(String(decoding: line, as: UTF8.self))
        }
    }
    return tiers.filter { !$0.isEmpty }
}
