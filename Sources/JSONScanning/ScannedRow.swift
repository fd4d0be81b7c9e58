/// The wanted values of one object. A member that comes twice has its last value.
public struct ScannedRow: Sendable {
    public enum Kind: UInt8, Sendable {
        case absent, null, bool, number, text
        /// A text of which only the beginning was kept.
        case cutText
        /// An array or an object, which was passed over.
        case container
    }

    private struct Slot: Sendable {
        var kind = Kind.absent
        var number: Int64 = 0
        var text = 0..<0
    }

    private var slots: [Slot]
    private var bytes: [UInt8] = []

    init(fieldCount: Int) { self.slots = Array(repeating: Slot(), count: fieldCount) }

    public func kind(_ field: Int) -> Kind { self.slots[field].kind }

    /// Nil when the field is anything but a number. A fraction is cut off towards zero, what is outside of
    /// `Int64` clamped to its nearest end.
    public func number(_ field: Int) -> Int64? {
        self.slots[field].kind == .number ? self.slots[field].number : nil
    }

    public func bool(_ field: Int) -> Bool? {
        self.slots[field].kind == .bool ? self.slots[field].number == 1 : nil
    }

    /// The decoded bytes, of a cut text those that were kept; nil when the field is not a text.
    public func text(_ field: Int) -> ArraySlice<UInt8>? {
        switch self.slots[field].kind {
        case .text, .cutText: self.bytes[self.slots[field].text]
        case .absent, .null, .bool, .number, .container: nil
        }
    }

    /// The same repaired to valid UTF-8.
    public func string(_ field: Int) -> String? {
        self.text(field).map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func clear() {
        for field in self.slots.indices { self.slots[field].kind = .absent }
        self.bytes.removeAll(keepingCapacity: true)
    }

    mutating func set(_ field: Int, _ kind: Kind, number: Int64 = 0) {
        self.slots[field].kind = kind
        self.slots[field].number = number
    }

    mutating func set(_ field: Int, _ text: Span<UInt8>, _ range: Range<Int>, isCut: Bool) {
        let start = self.bytes.count
        self.bytes.append(addingCapacity: range.count) { output in
            for index in range { output.append(text[index]) }
        }
        self.slots[field].kind = isCut ? .cutText : .text
        self.slots[field].text = start..<self.bytes.count
    }
}
