/// A scalar after `${NAME}` and `${NAME:-default}` were replaced.
struct SubstitutedText {
    enum Trouble: Hashable {
        case unset(name: String)
        case unreadable(message: String)
        /// A `${` that begins no variable; it stays as written.
        case notAVariable
        case tooLong

        /// What the variable stands for is not to be had here.
        var isAbsence: Bool {
            switch self {
            case .unset, .unreadable: true
            case .notAVariable, .tooLong: false
            }
        }
    }

    var text: String
    /// What the text was taken from: `NAME` or `NAME_FILE`, in the order of use.
    var sources: [String] = []
    /// Each once, in the order they were met.
    private(set) var troubles: [Trouble] = []
    private var known: Set<Trouble> = []

    init(text: String = "") { self.text = text }

    mutating func note(_ trouble: Trouble) {
        if self.known.insert(trouble).inserted { self.troubles.append(trouble) }
    }
}

extension ConfigEnvironment {
    /// A value with variables may have so many bytes before and after they are put in.
    private static var maximumValueBytes: Int { 64 * 1024 }

    /// Replaces every variable in `text`, once: what a variable holds is not looked at again.
    ///
    /// `NAME` wins over the file that `NAME_FILE` names, and that over the default, which (as in a shell) is
    /// also taken for an empty variable. `$${` stands for a plain `${`.
    func substituted(_ text: String) -> SubstitutedText {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return SubstitutedText(text: text) }
        var result = SubstitutedText()
        guard text.utf8.count <= Self.maximumValueBytes else {
            result.note(.tooLong)
            return result
        }
        var output: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if rest.starts(with: Array("$${".utf8)) {
                output.append(contentsOf: "${".utf8)
                rest = rest.dropFirst(3)
            } else if rest.starts(with: Array("${".utf8)) {
                if let reference = VariableReference(startOf: rest) {
                    output.append(contentsOf: self.value(of: reference, into: &result).utf8)
                    rest = rest.dropFirst(reference.byteCount)
                } else {
                    result.note(.notAVariable)
                    output.append(byte)
                    rest = rest.dropFirst()
                }
            } else {
                output.append(byte)
                rest = rest.dropFirst()
            }
            if output.count > Self.maximumValueBytes {
                result.note(.tooLong)
                break
            }
        }
        result.text = String(decoding: output, as: UTF8.self)
        return result
    }

    private func value(of reference: VariableReference, into result: inout SubstitutedText) -> String {
        if let value = self.variables[reference.name], !(value.isEmpty && reference.fallback != nil) {
            result.sources.append(reference.name)
            return value
        }
        switch self.contentOfFile(namedBy: reference.name) {
        case .text(let value, let source) where !(value.isEmpty && reference.fallback != nil):
            result.sources.append(source)
            return value
        case .unreadable(let message):
            result.note(.unreadable(message: "\(reference.name)_FILE: \(message)"))
            return ""
        case .absent, .text: break
        }
        if let fallback = reference.fallback { return fallback }
        result.note(.unset(name: reference.name))
        return ""
    }
}

/// `${NAME}` or `${NAME:-default}` at the start of some bytes.
private struct VariableReference {
    var name: String
    var fallback: String?
    var byteCount: Int

    /// Of a name with its default: keeps many a `${` without an end from costing the square of their number.
    private static let maximumBytes = 4096

    init?(startOf bytes: ArraySlice<UInt8>) {
        let body = bytes.dropFirst(2).prefix(Self.maximumBytes)
        guard let end = body.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let inside = body[..<end]
        let name = inside.prefix(while: Self.isNameByte)
        guard let first = name.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return nil
        }
        let tail = inside.dropFirst(name.count)
        if tail.starts(with: Array(":-".utf8)) {
            self.fallback = String(decoding: tail.dropFirst(2), as: UTF8.self)
        } else if !tail.isEmpty {
            return nil
        }
        self.name = String(decoding: name, as: UTF8.self)
        self.byteCount = inside.count + 3
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
