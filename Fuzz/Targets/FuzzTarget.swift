/// Code that takes bytes from outside, with what must hold whatever the bytes are.
struct FuzzTarget: Sendable {
    /// Also the folder of its first inputs, below `Fuzz/corpus`.
    let name: String
    /// Never traps, and throws when the invariant does not hold.
    let run: @Sendable ([UInt8]) throws(BrokenInvariant) -> Void
}

let fuzzTargets = [
    configTarget, patternsTarget, jsonTarget, clientTarget, webhookTarget, formsTarget, bencodeTarget,
    metainfoTarget, magnetTarget,
    framesTarget, openingsTarget, extensionsTarget, metadataTarget, exchangeTarget,
    trackerHTTPTarget, trackerUDPTarget, resumeTarget, recordTarget,
]

struct BrokenInvariant: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(
    _ isTrue: @autoclosure () -> Bool, _ message: @autoclosure () -> String
) throws(BrokenInvariant) {
    guard isTrue() else { throw BrokenInvariant(message()) }
}

/// Cuts an input into the choices and texts that a target needs. After the end come zeros.
struct InputReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.rest = bytes[...] }

    mutating func byte() -> UInt8 { self.rest.popFirst() ?? 0 }

    /// A number below 65,536.
    mutating func twoBytes() -> Int { Int(self.byte()) << 8 | Int(self.byte()) }

    /// Up to the next line break, which is dropped; nil after the last line.
    mutating func line() -> ArraySlice<UInt8>? {
        guard !self.rest.isEmpty else { return nil }
        let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) ?? self.rest.endIndex
        defer { self.rest = self.rest[end...].dropFirst() }
        return self.rest[..<end]
    }
}
