/// Reads the wanted parts of a large JSON document from chunks that may end anywhere, in bounded memory.
///
/// The caller feeds a chunk until `next` answers nil, then the next chunk, and at the end calls `finish`.
/// Nothing that came out of a document counts before `finish` has not thrown: only then was it whole.
public struct DocumentScanner: Sendable {
    /// What the next token means. All but `row` and `scalar` name the container the scanner is in.
    private enum Place: Hashable, Sendable {
        case start
        /// In the array of `rows`.
        case rows
        case members, memberValue
        case keyedRows, keyedRowValue
        case list
        case keyedLists, keyedListValue
        case listOfKey
        case values
        case row
        case scalar(field: Int)
    }

    private let shape: DocumentShape
    private let members: [DocumentMember.Content]
    private let memberNames: FieldSet
    private var tokenizer: JSONTokenizer
    private var place = Place.start
    /// Where to go on after a row, or after a scalar that is a row by itself.
    private var outer = Place.start
    private var member = 0
    private var fields = FieldSet([])

    /// The row of the last event.
    public private(set) var row: ScannedRow
    /// The key of the row of the last event, where its shape has keys.
    public private(set) var key: [UInt8] = []

    public init(_ shape: DocumentShape, limits: JSONLimits = JSONLimits()) {
        self.shape = shape
        self.tokenizer = JSONTokenizer(limits: limits)
        var rowWidth = 1
        switch shape {
        case .rows(let fields), .row(let fields):
            self.fields = fields
            rowWidth = max(1, fields.names.count)
            self.members = []
            self.memberNames = FieldSet([])
        case .values:
            self.members = []
            self.memberNames = FieldSet([])
        case .members(let members):
            self.members = members.map(\.content)
            self.memberNames = FieldSet(members.map(\.name))
            for case .row(let fields) in self.members { rowWidth = max(rowWidth, fields.names.count) }
            for case .keyedRows(let fields) in self.members { rowWidth = max(rowWidth, fields.names.count) }
        }
        self.row = ScannedRow(fieldCount: rowWidth)
    }

    /// The next event, or nil when the chunk is used up.
    public mutating func next(
        in chunk: Span<UInt8>, from position: inout Int
    ) throws(JSONFailure) -> DocumentEvent? {
        while let token = try self.tokenizer.next(in: chunk, from: &position) {
            let event: DocumentEvent? =
                switch self.place {
                case .row: self.insideRow(token, chunk)
                case .scalar(let field): self.scalar(token, field, chunk)
                case .start: try self.start(token, chunk, position)
                case .rows: self.insideRows(token)
                case .members: self.insideMembers(token, chunk)
                case .memberValue: self.memberValue(token, chunk)
                case .keyedRows: self.insideKeyed(token, chunk, value: .keyedRowValue)
                case .keyedRowValue: self.beginRow(token, within: .keyedRows)
                case .keyedLists: self.insideKeyed(token, chunk, value: .keyedListValue)
                case .keyedListValue: self.beginListOfKey(token)
                case .list: self.insideList(token, chunk, within: .members)
                case .listOfKey: self.insideList(token, chunk, within: .keyedLists)
                case .values: self.insideValues(token, chunk)
                }
            if let event { return event }
        }
        return nil
    }

    /// Says that there are no more chunks. Throws unless the document was whole.
    public mutating func finish() throws(JSONFailure) {
        if try self.tokenizer.finish() != nil { throw JSONFailure(.wrongShape, offset: 0) }
    }
}

extension DocumentScanner {
    private mutating func start(
        _ token: JSONTokenizer.Token, _ chunk: Span<UInt8>, _ position: Int
    ) throws(JSONFailure) -> DocumentEvent? {
        switch (self.shape, token) {
        case (.rows, .beginArray): self.place = .rows
        case (.row, .beginObject): return self.beginRow(token, within: .start)
        case (.values, .beginObject): self.place = .values
        case (.members, .beginObject): self.place = .members
        default: throw JSONFailure(.wrongShape, offset: 0)
        }
        return nil
    }

    private mutating func insideRows(_ token: JSONTokenizer.Token) -> DocumentEvent? {
        token == .endArray ? nil : self.beginRow(token, within: .rows)
    }

    private mutating func beginRow(
        _ token: JSONTokenizer.Token, within outer: Place
    ) -> DocumentEvent? {
        self.place = outer
        guard token == .beginObject else { return self.mismatch(token) }
        self.row.clear()
        self.place = .row
        self.outer = outer
        return nil
    }

    private mutating func mismatch(_ token: JSONTokenizer.Token) -> DocumentEvent {
        if token == .beginObject || token == .beginArray { self.tokenizer.skipContainer() }
        return .mismatch(member: self.member)
    }

    private mutating func insideRow(_ token: JSONTokenizer.Token, _ chunk: Span<UInt8>) -> DocumentEvent? {
        guard case .key = token else {
            self.place = self.outer
            return .row(member: self.member)
        }
        if let field = self.field(of: self.fields, chunk) {
            self.place = .scalar(field: field)
        } else {
            self.tokenizer.skipValue()
        }
        return nil
    }

    private mutating func scalar(
        _ token: JSONTokenizer.Token, _ field: Int, _ chunk: Span<UInt8>
    ) -> DocumentEvent? {
        self.place = .row
        self.set(field, token, chunk)
        return nil
    }

    private mutating func insideMembers(
        _ token: JSONTokenizer.Token, _ chunk: Span<UInt8>
    ) -> DocumentEvent? {
        guard case .key = token else { return nil }
        if let member = self.field(of: self.memberNames, chunk) {
            self.member = member
            self.place = .memberValue
        } else {
            self.tokenizer.skipValue()
        }
        return nil
    }

    private mutating func memberValue(_ token: JSONTokenizer.Token, _ chunk: Span<UInt8>) -> DocumentEvent? {
        self.place = .members
        switch (self.members[self.member], token) {
        case (.value, _): return self.rowOfOne(token, chunk)
        case (.row(let fields), _):
            self.fields = fields
            return self.beginRow(token, within: .members)
        case (.keyedRows(let fields), .beginObject):
            self.fields = fields
            self.place = .keyedRows
        case (.list, .beginArray): self.place = .list
        case (.keyedLists, .beginObject): self.place = .keyedLists
        default: return self.mismatch(token)
        }
        return nil
    }

    /// In an object whose keys are data.
    private mutating func insideKeyed(
        _ token: JSONTokenizer.Token, _ chunk: Span<UInt8>, value: Place
    ) -> DocumentEvent? {
        guard case .key = token else {
            self.place = .members
            return nil
        }
        self.keepKey(chunk)
        self.place = value
        return nil
    }

    private mutating func beginListOfKey(_ token: JSONTokenizer.Token) -> DocumentEvent? {
        self.place = .keyedLists
        guard token == .beginArray else { return self.mismatch(token) }
        self.place = .listOfKey
        return nil
    }

    private mutating func insideList(
        _ token: JSONTokenizer.Token, _ chunk: Span<UInt8>, within outer: Place
    ) -> DocumentEvent? {
        switch token {
        case .endArray:
            self.place = outer
            return nil
        case .text: return self.rowOfOne(token, chunk)
        default: return self.mismatch(token)
        }
    }

    private mutating func insideValues(_ token: JSONTokenizer.Token, _ chunk: Span<UInt8>) -> DocumentEvent? {
        switch token {
        case .key:
            self.keepKey(chunk)
            return nil
        // Only the document's own end: that of a container inside is passed over.
        case .endObject: return nil
        default: return self.rowOfOne(token, chunk)
        }
    }

    private mutating func rowOfOne(_ token: JSONTokenizer.Token, _ chunk: Span<UInt8>) -> DocumentEvent? {
        self.row.clear()
        self.set(0, token, chunk)
        return .row(member: self.member)
    }

    private mutating func set(_ field: Int, _ token: JSONTokenizer.Token, _ chunk: Span<UInt8>) {
        switch token {
        case .number(let number): self.row.set(field, .number, number: number)
        case .text where self.tokenizer.text.isInChunk:
            let text = self.tokenizer.text
            self.row.set(field, chunk, text.range, isCut: text.isCut)
        case .text:
            let text = self.tokenizer.text
            self.row.set(field, text.decoded.span, text.decoded.indices, isCut: text.isCut)
        case .bool(let isTrue): self.row.set(field, .bool, number: isTrue ? 1 : 0)
        case .null: self.row.set(field, .null)
        case .beginObject, .beginArray:
            self.row.set(field, .container)
            self.tokenizer.skipContainer()
        // None of these can stand where a value is expected.
        case .key, .endObject, .endArray: break
        }
    }

    private func field(of fields: FieldSet, _ chunk: Span<UInt8>) -> Int? {
        let text = self.tokenizer.text
        if text.isCut { return nil }
        return text.isInChunk
            ? fields.field(named: chunk, text.range)
            : fields.field(named: text.decoded.span, text.decoded.indices)
    }

    private mutating func keepKey(_ chunk: Span<UInt8>) {
        self.key.removeAll(keepingCapacity: true)
        if self.tokenizer.text.isInChunk {
            for index in self.tokenizer.text.range { self.key.append(chunk[index]) }
        } else {
            self.key.append(contentsOf: self.tokenizer.text.decoded)
        }
    }
}
