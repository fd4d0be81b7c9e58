import HTTPServing
import TestKit
import Testing

private let urlencoded = "application/x-www-form-urlencoded"

private func parse(
    _ type: String, _ body: String, maximumFields: Int = 64, maximumFieldBytes: Int = 1000
) throws(FormFailure) -> [[String]] {
    try FormBody.parse(
        contentType: type, body: Array(body.utf8), maximumFields: maximumFields,
        maximumFieldBytes: maximumFieldBytes
    ).map { [$0.name, $0.value] }
}

private func encoded(_ text: String) -> String {
    text.utf8.map { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(UnicodeScalar(byte))
        case 0x20: "+"
        default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }.joined()
}

private func multipart(_ fields: [[String]], boundary: String) -> String {
    fields.map { field in
        "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field[0])\"\r\n\r\n\(field[1])\r\n"
    }.joined() + "--\(boundary)--\r\n"
}

@Suite("Form bodies")
struct FormBodyTests {
    @Test("Fields are decoded once, in order, and repeated names are kept")
    func urlencodedFields() throws {
        #expect(
            try parse(urlencoded, "hash=ab%2Bc&event=added&event=rollback&&flag&x=1=2&n=a+b%2541")
                == [
                    ["hash", "ab+c"], ["event", "added"], ["event", "rollback"], ["flag", ""], ["x", "1=2"],
                    ["n", "a b%41"],
                ])
        #expect(try parse(urlencoded + "; charset=utf-8", "") == [])
        #expect(try parse("Application/X-WWW-Form-URLencoded", "a=b&") == [["a", "b"]])
    }

    @Test("A name that quotes another field stays one field, as the hook sends it")
    func injection() throws {
        let name = "x\"&event=rollback&a=$(touch pwn)\r\nX: y"
        #expect(try parse(urlencoded, "name=" + encoded(name)) == [["name", name]])
    }

    @Test("Bad escapes and bytes are refused with their place")
    func malformed() {
        #expect(throws: FormFailure.malformed(atByte: 2)) { try parse(urlencoded, "a=%") }
        #expect(throws: FormFailure.malformed(atByte: 4)) { try parse(urlencoded, "&&a=%4g") }
        #expect(throws: FormFailure.malformed(atByte: 2)) { try parse(urlencoded, "a=%ff") }
        #expect(throws: FormFailure.malformed(atByte: 0)) { try parse(urlencoded, "%4=1") }
    }

    @Test("Too many and too long fields are refused")
    func limits() throws {
        #expect(throws: FormFailure.tooManyFields(maximum: 2)) {
            try parse(urlencoded, "a&b&c", maximumFields: 2)
        }
        #expect(throws: FormFailure.fieldTooLong(maximum: 3)) {
            try parse(urlencoded, "a=1234", maximumFieldBytes: 3)
        }
        #expect(throws: FormFailure.fieldTooLong(maximum: 3)) {
            try parse(urlencoded, "abcd=1", maximumFieldBytes: 3)
        }
        let body = multipart([["a", "1234"], ["b", ""]], boundary: "B")
        let type = "multipart/form-data; boundary=B"
        #expect(throws: FormFailure.fieldTooLong(maximum: 3)) { try parse(type, body, maximumFieldBytes: 3) }
        #expect(throws: FormFailure.tooManyFields(maximum: 1)) { try parse(type, body, maximumFields: 1) }
    }

    @Test(
        "Other types are refused by name",
        arguments: [
            "application/json", "", "multipart/form-data", "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a\r\nb\"", "multipart/form-data; boundary=\"open",
        ])
    func unsupported(type: String) {
        #expect(throws: FormFailure.unsupportedType(type)) { try parse(type, "a=b") }
    }

    @Test("Multipart fields are taken as they are, with preamble, padding, quotes and epilogue")
    func multipartFields() throws {
        let body =
            "preamble\r\n--a'b \t\r\nX-Other: 1\r\ncontent-disposition: form-data ; name = \"q\\\"uo;te\"\r\n\r\n"
            + "two\r\nlines\r\n--a\r\n--a'b\r\nContent-Disposition: form-data; name=plain\r\n\r\n\r\n--a'b--epilogue"
        #expect(
            try parse("multipart/form-data; charset=x; boundary=\"a'b\"", body)
                == [["q\"uo;te", "two\r\nlines\r\n--a"], ["plain", ""]])
        #expect(try parse("multipart/form-data; boundary=B", "--B--") == [])
    }

    @Test("A file part is refused by the name of its field")
    func filePart() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"up\"; filename=\"x\"\r\n\r\n1\r\n--B--"
        #expect(throws: FormFailure.filePart(name: "up")) {
            try parse("multipart/form-data; boundary=B", body)
        }
    }

    @Test(
        "Broken parts are refused",
        arguments: [
            "", "no delimiter", "--B", "--Bx\r\n", "--B\r\n\r\nno headers\r\n--B--",
            "--B\r\nno colon\r\n\r\n1\r\n--B--",
            "--B\r\nContent-Disposition: attachment; name=x\r\n\r\n1\r\n--B--",
            "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--",
            "--B\nContent-Disposition: form-data; name=x\n\n1\n--B--",
        ])
    func brokenParts(body: String) {
        #expect(throws: FormFailure.self) { try parse("multipart/form-data; boundary=B", body) }
    }

    @Test(
        "Both encodings give back any fields, and no cut of a multipart body passes for the whole",
        arguments: 0..<200)
    func roundTripAndCuts(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("ab\r\n-B&=+% é\u{0}\"")
        func text(_ count: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: count, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? "a"
                })
        }
        let values = (0..<Int.random(in: 1...4, using: &random)).map { _ in text(0...12) }
        let fields = values.map { [text(1...5), $0] }
        let form = fields.map { encoded($0[0]) + "=" + encoded($0[1]) }.joined(separator: "&")
        #expect(try parse(urlencoded, form) == fields)

        let parts = values.enumerated().map { ["n\($0)", $1] }
        let body = Array(multipart(parts, boundary: "Bx-q").utf8)
        let type = "multipart/form-data; boundary=Bx-q"
        #expect(try FormBody.parse(contentType: type, body: body).map { [$0.name, $0.value] } == parts)
        // The closing line break belongs to nobody.
        for cut in 0..<(body.count - 2) {
            #expect(throws: FormFailure.self) {
                try FormBody.parse(contentType: type, body: Array(body[..<cut]))
            }
        }
    }

    @Test("Random bytes never trap", arguments: 0..<200)
    func randomBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("--B\r\n:;=\"\\%&+ aname".utf8) + [0, 0xFF]
        let pieces = ["--B\r\n", "Content-Disposition: form-data; name=\"", "\r\n\r\n", "--B--"].map {
            Array($0.utf8)
        }
        var body: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            if Bool.random(using: &random) {
                body += pieces.randomElement(using: &random) ?? []
            } else {
                body.append(alphabet.randomElement(using: &random) ?? 0)
            }
        }
        for type in [urlencoded, "multipart/form-data; boundary=B"] {
            let fields = try? FormBody.parse(
                contentType: type, body: body, maximumFields: 8, maximumFieldBytes: 50)
            #expect((fields ?? []).count <= 8)
        }
    }
}
