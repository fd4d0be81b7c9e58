/// The members of an object that are wanted, by name. Their values are found under their place in `names`.
public struct FieldSet: Sendable {
    private struct Entry: Sendable {
        var word: UInt64
        var name: [UInt8]
        var field: Int
    }

    public let names: [String]
    /// By length of name.
    private let entries: [Entry]
    /// The entries of each length below 64.
    private let entriesOfLength: [Range<Int>]

    public init(_ names: [String]) {
        self.names = names
        let entries = names.enumerated().map { field, name in
            let bytes = Array(name.utf8)
            return Entry(
                word: leadingWord(of: bytes.span, from: 0, length: bytes.count), name: bytes, field: field)
        }.sorted { ($0.name.count, $0.field) < ($1.name.count, $1.field) }
        self.entries = entries
        self.entriesOfLength = (0..<64).map { length in
            let start = entries.firstIndex { $0.name.count >= length } ?? entries.count
            let end = entries.firstIndex { $0.name.count > length } ?? entries.count
            return start..<end
        }
    }

    /// The field whose name these bytes are. A name of 64 bytes or more is never found.
    func field(named bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        let length = range.count
        guard length < 64 else { return nil }
        let candidates = self.entriesOfLength[length]
        guard !candidates.isEmpty else { return nil }
        let word = leadingWord(of: bytes, from: range.lowerBound, length: length)
        candidates: for index in candidates where self.entries[index].word == word {
            if length > 8 {
                for place in 8..<length
                where self.entries[index].name[place] != bytes[range.lowerBound + place] {
                    continue candidates
                }
            }
            return self.entries[index].field
        }
        return nil
    }
}
