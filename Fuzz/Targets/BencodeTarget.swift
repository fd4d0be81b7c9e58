import BencodeCoding

/// A value ends where it says, means the same alone as before other bytes and in the middle of them, and a canonical
/// one is written back as the same bytes.
let bencodeTarget = FuzzTarget(name: "bencode") { input throws(BrokenInvariant) in
    let limits = BencodeLimits(byteCount: 4096, depth: 20, tokenCount: 200)
    guard let document = try? BencodeDocument(prefixOf: input[...], limits: limits) else { return }
    let raw = document.root.rawRange
    try require(
        raw == 0..<document.byteCount && document.rest.count == input.count - raw.count,
        "\(document.byteCount) bytes at \(raw)")
    guard let alone = try? BencodeDocument(document.root.rawBytes, limits: limits) else {
        throw BrokenInvariant("it cannot be read alone")
    }
    try require(alone.flaws == document.flaws, "\(alone.flaws) alone")
    var writer = BencodeWriter()
    try write(document.root, isCanonical: document.flaws.isEmpty, to: &writer)
    guard document.flaws.isEmpty else { return }
    try require(writer.bytes[...] == document.root.rawBytes, "written as \(writer.bytes)")

    let padded = [0] + input + [0]
    guard let inside = try? BencodeDocument(prefixOf: padded[1...], limits: limits) else {
        throw BrokenInvariant("it cannot be read from a slice")
    }
    try require(inside.root.rawRange == 1..<raw.count + 1, "\(inside.root.rawRange) in a slice")
}

/// Writes the value as it was read, and asks it everything else on the way.
private func write(
    _ value: BencodeValue, isCanonical: Bool, to writer: inout BencodeWriter
) throws(BrokenInvariant) {
    let kinds = [value.integer != nil, value.bytes != nil, value.list != nil, value.dictionary != nil]
    try require(kinds.filter { $0 }.count == 1, "it is of the kinds \(kinds)")
    if let integer = value.integer { writer.integer(integer) }
    if let bytes = value.bytes { writer.string(bytes) }
    var inner = BencodeWriter()
    if let list = value.list {
        for element in list { try write(element, isCanonical: isCanonical, to: &inner) }
        writer.list { $0.raw(inner.bytes) }
    }
    if let members = value.dictionary {
        for (key, value) in members {
            if isCanonical { inner.key(key) } else { inner.string(key) }
            try write(value, isCanonical: isCanonical, to: &inner)
        }
        if let first = Array(members).first, let name = String(validating: first.key, as: UTF8.self) {
            try require(value[name]?.rawRange == first.value.rawRange, "the first member is another one")
        }
        writer.dictionary { $0.raw(inner.bytes) }
    }
}
