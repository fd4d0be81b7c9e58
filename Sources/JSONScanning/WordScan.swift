/// Finds the first byte at or after `start` that a string cannot simply contain: a quotation mark, a
/// backslash, or a control character. Answers `bytes.count` when there is none.
///
/// Eight bytes at a time: for each searched value the high bit of a lane is set when the lane matches. A
/// borrow can set lanes above a match wrongly, never below, so the lowest one set is right.
@inline(__always)
func firstSpecialByte(in bytes: Span<UInt8>, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highBits: UInt64 = 0x8080_8080_8080_8080
    // `unsafe` here and below because raw bytes can be read as types with invalid bit patterns; UInt64 has
    // none, and every load checks the bounds.
    let raw = unsafe bytes.bytes
    let count = bytes.count
    var index = start
    while index &+ 8 <= count {
        let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let hits =
            ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word)
            & highBits
        if hits != 0 { return index &+ hits.trailingZeroBitCount &>> 3 }
        index &+= 8
    }
    while index < count {
        let byte = bytes[index]
        if byte == 0x22 || byte == 0x5C || byte < 0x20 { return index }
        index &+= 1
    }
    return count
}

/// The first `length` (at most eight) bytes from `start` as a little-endian word, the rest zero.
@inline(__always)
func leadingWord(of bytes: Span<UInt8>, from start: Int, length: Int) -> UInt64 {
    if start &+ 8 <= bytes.count {
        // As above: any eight bytes are a UInt64, and the load checks the bounds.
        let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian
        return length >= 8 ? word : word & ((1 &<< UInt64(length &* 8)) &- 1)
    }
    var word: UInt64 = 0
    for place in 0..<min(length, 8) { word |= UInt64(bytes[start + place]) &<< UInt64(place &* 8) }
    return word
}
