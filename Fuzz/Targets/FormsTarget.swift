import HTTPServing

/// A form is refused for a reason, or gives no more and no longer fields than allowed; the fields of one in the
/// URL encoding, written again, are read as the same fields.
///
/// The first byte chooses the content type, or that the first line says it.
let formsTarget = FuzzTarget(name: "forms") { input throws(BrokenInvariant) in
    let (maximumFields, maximumFieldBytes) = (8, 64)
    var reader = InputReader(input)
    let contentType: String
    switch reader.byte() {
    case UInt8(ascii: "u"): contentType = urlEncoded
    case UInt8(ascii: "m"): contentType = "multipart/form-data; boundary=b"
    default: contentType = String(decoding: reader.line() ?? [], as: UTF8.self)
    }
    let fields: [(name: String, value: String)]
    do throws(FormFailure) {
        fields = try FormBody.parse(
            contentType: contentType, body: Array(reader.rest), maximumFields: maximumFields,
            maximumFieldBytes: maximumFieldBytes)
    } catch {
        if case .malformed(let place) = error {
            try require(0...reader.rest.count ~= place, "refused at byte \(place) of \(reader.rest.count)")
        }
        return
    }
    try require(fields.count <= maximumFields, "\(fields.count) fields")
    try require(
        fields.allSatisfy { $0.value.utf8.count <= maximumFieldBytes }, "a value is longer than it may be")
    guard !contentType.lowercased().contains("multipart") else { return }
    let again: [(name: String, value: String)]
    do {
        again = try FormBody.parse(contentType: urlEncoded, body: encoded(fields))
    } catch {
        throw BrokenInvariant("fields written again are refused: \(error)")
    }
    try require(
        again.map(\.name) == fields.map(\.name) && again.map(\.value) == fields.map(\.value),
        "fields written again are read as others: \(again), not \(fields)")
}

private let urlEncoded = "application/x-www-form-urlencoded"

private func encoded(_ fields: [(name: String, value: String)]) -> [UInt8] {
    func percentEncoded(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            let digits = Array("0123456789ABCDEF".utf8)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return Array(
        fields.map { percentEncoded($0.name) + [UInt8(ascii: "=")] + percentEncoded($0.value) }
            .joined(separator: [UInt8(ascii: "&")]))
}
