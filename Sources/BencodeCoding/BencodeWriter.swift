/// Writes canonical bencoding (BEP 3) straight into bytes. The keys of a dictionary must come in the order of their bytes.
public struct BencodeWriter: Sendable {
    public private(set) var bytes: [UInt8]
    /// Where the last key of the dictionary that is being written stands.
    private var lastKey: Range<Int>?

    /// - Parameter bytes: what stands before; it is kept.
    public init(appendingTo bytes: [UInt8] = []) { self.bytes = bytes }

    public mutating func integer(_ value: Int64) {
        self.bytes.append(UInt8(ascii: "i"))
        self.number(value)
        self.bytes.append(UInt8(ascii: "e"))
    }

    public mutating func string(_ bytes: some Collection<UInt8>) {
        self.number(Int64(bytes.count))
        self.bytes.append(UInt8(ascii: ":"))
        self.bytes.append(contentsOf: bytes)
    }

    public mutating func string(_ text: String) { self.string(text.utf8) }

    public mutating func list(_ elements: (inout BencodeWriter) -> Void) {
        self.bytes.append(UInt8(ascii: "l"))
        elements(&self)
        self.bytes.append(UInt8(ascii: "e"))
    }

    public mutating func dictionary(_ members: (inout BencodeWriter) -> Void) {
        let outer = self.lastKey
        self.lastKey = nil
        self.bytes.append(UInt8(ascii: "d"))
        members(&self)
        self.bytes.append(UInt8(ascii: "e"))
        self.lastKey = outer
    }

    /// Before a member's value.
    public mutating func key(_ key: some Collection<UInt8>) {
        self.string(key)
        let range = self.bytes.count - key.count..<self.bytes.count
        if let last = self.lastKey {
            precondition(
                self.bytes[last].lexicographicallyPrecedes(self.bytes[range]),
                "the keys of a dictionary are written in order and once")
        }
        self.lastKey = range
    }

    public mutating func key(_ key: String) { self.key(key.utf8) }

    /// A value that is bencoded already.
    public mutating func raw(_ encoded: some Collection<UInt8>) { self.bytes.append(contentsOf: encoded) }

    private mutating func number(_ value: Int64) {
        if value < 0 { self.bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        var digits: (UInt64, Int) = (1, 1)
        while rest / digits.0 >= 10 { digits = (digits.0 * 10, digits.1 + 1) }
        for _ in 0..<digits.1 {
            self.bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / digits.0))
            rest %= digits.0
            digits.0 = max(1, digits.0 / 10)
        }
    }
}

/// Members of a dictionary, by the kind of their value.
extension BencodeWriter {
    public mutating func member(_ key: String, _ value: Int64) {
        self.key(key)
        self.integer(value)
    }

    public mutating func member(_ key: String, _ value: String) {
        self.key(key)
        self.string(value)
    }

    public mutating func member(_ key: String, bytes: some Collection<UInt8>) {
        self.key(key)
        self.string(bytes)
    }
}
