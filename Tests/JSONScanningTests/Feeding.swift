import JSONScanning
import TestKit

/// A JSON value as the tokenizer sees it: numbers cut to `Int64`.
indirect enum Tree: Equatable {
    case object([String: Tree])
    case array([Tree])
    case text(String)
    case number(Int64)
    case bool(Bool)
    case null
}

/// Calls `body` with the chunks that result from cutting before each of `cuts`.
func eachChunk<Failure: Error>(
    of bytes: [UInt8], cutAt cuts: [Int], _ body: (Span<UInt8>) throws(Failure) -> Void
) throws(Failure) {
    var start = 0
    for end in cuts + [bytes.count] {
        try body(bytes.span.extracting(start..<end))
        start = end
    }
}

func everyByte(of bytes: [UInt8]) -> [Int] { Array(bytes.indices.dropFirst()) }

func someCuts(of bytes: [UInt8], using random: inout SplitMix64) -> [Int] {
    (0..<Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }
        .sorted()
}

/// The tokens of a text and the strings that belong to them.
func tokens(
    of bytes: [UInt8], cutAt cuts: [Int] = [], limits: JSONLimits = JSONLimits()
) throws(JSONFailure) -> [(JSONTokenizer.Token, String)] {
    var tokenizer = JSONTokenizer(limits: limits)
    var found: [(JSONTokenizer.Token, String)] = []
    try eachChunk(of: bytes, cutAt: cuts) { chunk throws(JSONFailure) in
        var position = 0
        while let token = try tokenizer.next(in: chunk, from: &position) {
            var string = ""
            if token == .key || token == .text {
                let text = tokenizer.text
                string = String(
                    decoding: text.isInChunk ? text.range.map { chunk[$0] } : text.decoded, as: UTF8.self)
            }
            found.append((token, string))
        }
    }
    if let last = try tokenizer.finish() { found.append((last, "")) }
    return found
}

func tree(of text: String, cutAt cuts: [Int] = []) throws(JSONFailure) -> Tree {
    var rest = try tokens(of: Array(text.utf8), cutAt: cuts)[...]
    return build(&rest)
}

private func build(_ rest: inout ArraySlice<(JSONTokenizer.Token, String)>) -> Tree {
    let (token, string) = rest.removeFirst()
    switch token {
    case .text: return .text(string)
    case .number(let number): return .number(number)
    case .bool(let bool): return .bool(bool)
    case .null: return .null
    case .beginArray:
        var elements: [Tree] = []
        while let next = rest.first, next.0 != .endArray { elements.append(build(&rest)) }
        rest.removeFirst()
        return .array(elements)
    case .beginObject:
        var members: [String: Tree] = [:]
        while let next = rest.first, next.0 == .key {
            rest.removeFirst()
            members[next.1] = build(&rest)
        }
        rest.removeFirst()
        return .object(members)
    case .key, .endObject, .endArray: return .null
    }
}
