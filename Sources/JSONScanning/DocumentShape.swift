/// What a document is expected to look like, and what of it is wanted.
public enum DocumentShape: Sendable {
    /// `[{…}, {…}]`: each object is an event `row`.
    case rows(FieldSet)
    /// `{…}`: one event `row`.
    case row(FieldSet)
    /// `{"name": 1, …}` with any names: each member is an event `row` with the name in `key` and the value
    /// as field 0.
    case values
    /// An object with members of different kinds; those not listed are passed over.
    case members([DocumentMember])
}

public struct DocumentMember: Sendable {
    public enum Content: Sendable {
        /// A scalar: an event `row` with the value as field 0.
        case value
        /// `{…}`: an event `row`.
        case row(FieldSet)
        /// `{"key": {…}, …}`: an event `row` for each, with its `key`.
        case keyedRows(FieldSet)
        /// `["…", …]`: an event `row` for each, with the text as field 0.
        case list
        /// `{"key": ["…", …], …}`: an event `row` for each text, with its `key` and the text as field 0.
        case keyedLists
    }

    public var name: String
    public var content: Content

    public init(_ name: String, _ content: Content) {
        self.name = name
        self.content = content
    }
}

public enum DocumentEvent: Hashable, Sendable {
    /// `DocumentScanner.row` holds the next row of that member (0 unless the shape is `members`).
    case row(member: Int)
    /// Where a row, list or text of that member belongs there is something else; it was passed over.
    case mismatch(member: Int)
}
