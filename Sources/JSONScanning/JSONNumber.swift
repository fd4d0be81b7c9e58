/// A number while its characters arrive, one at a time (RFC 8259, section 6).
///
/// Its value is an `Int64`: fractions are cut off towards zero, and what lies outside is clamped to the
/// nearest end. Exact for every spelling: digits after the 19th can only matter to a number that is
/// clamped, or stand behind the point. Nothing is kept of the characters, so a number may be of any length.
struct JSONNumber: Sendable {
    private enum Phase: UInt8 {
        case sign, zero, integer, point, fraction, exponentMark, exponentSign, exponent
    }

    private var phase: Phase
    private let isNegative: Bool
    private var digits: UInt64 = 0
    private var significantDigits = 0
    /// The power of ten by which `digits` is to be multiplied, before the written exponent.
    private var scale = 0
    private var exponent = 0
    private var hasNegativeExponent = false

    /// Nil when a number cannot begin so.
    init?(first byte: UInt8) {
        self.isNegative = byte == UInt8(ascii: "-")
        switch byte {
        case UInt8(ascii: "-"): self.phase = .sign
        case UInt8(ascii: "0"): self.phase = .zero
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            self.phase = .integer
            self.digits = UInt64(byte &- 0x30)
            self.significantDigits = 1
        default: return nil
        }
    }

    /// Whether the number may end here.
    var isComplete: Bool {
        switch self.phase {
        case .zero, .integer, .fraction, .exponent: true
        case .sign, .point, .exponentMark, .exponentSign: false
        }
    }

    /// Takes the next character; false when it is not part of the number.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        let digit = byte &- 0x30
        if digit <= 9 { return self.take(digit: digit) }
        switch (byte, self.phase) {
        case (UInt8(ascii: "."), .zero), (UInt8(ascii: "."), .integer): self.phase = .point
        case (UInt8(ascii: "e"), _) where self.phase != .exponent && self.isComplete,
            (UInt8(ascii: "E"), _) where self.phase != .exponent && self.isComplete:
            self.phase = .exponentMark
        case (UInt8(ascii: "+"), .exponentMark): self.phase = .exponentSign
        case (UInt8(ascii: "-"), .exponentMark):
            self.phase = .exponentSign
            self.hasNegativeExponent = true
        default: return false
        }
        return true
    }

    @inline(__always)
    private mutating func take(digit: UInt8) -> Bool {
        switch self.phase {
        case .integer: self.append(digit, isFraction: false)
        case .fraction: self.append(digit, isFraction: true)
        case .point:
            self.phase = .fraction
            self.append(digit, isFraction: true)
        case .sign:
            self.phase = digit == 0 ? .zero : .integer
            self.append(digit, isFraction: false)
        case .zero: return false
        case .exponentMark, .exponentSign, .exponent:
            self.phase = .exponent
            // Far beyond any scale that a text of bearable length could make up for.
            if self.exponent < 1 << 40 { self.exponent = self.exponent &* 10 &+ Int(digit) }
        }
        return true
    }

    @inline(__always)
    private mutating func append(_ digit: UInt8, isFraction: Bool) {
        guard self.significantDigits < 19 else {
            if !isFraction { self.scale &+= 1 }
            return
        }
        self.digits = self.digits &* 10 &+ UInt64(digit)
        if self.digits != 0 { self.significantDigits &+= 1 }
        if isFraction { self.scale &-= 1 }
    }

    var value: Int64 {
        var magnitude = self.digits
        if self.scale != 0 || self.exponent != 0 {
            var power = self.scale + (self.hasNegativeExponent ? -self.exponent : self.exponent)
            while power < 0, magnitude != 0 {
                magnitude /= 10
                power += 1
            }
            while power > 0, magnitude != 0 {
                let (product, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
                magnitude = isTooLarge ? .max : product
                power = isTooLarge ? 0 : power - 1
            }
        }
        if self.isNegative { return magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude) }
        return magnitude > UInt64(Int64.max) ? .max : Int64(magnitude)
    }
}
