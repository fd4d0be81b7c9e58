import JSONScanning
import TestKit
import Testing

/// One event with all that it carries, as text.
private func events(
    _ shape: DocumentShape, _ text: String, cutAt cuts: [Int] = [], limits: JSONLimits = JSONLimits(),
    fieldCount: Int = 2
) throws(JSONFailure) -> [String] {
    var scanner = DocumentScanner(shape, limits: limits)
    var found: [String] = []
    try eachChunk(of: Array(text.utf8), cutAt: cuts) { chunk throws(JSONFailure) in
        var position = 0
        while let event = try scanner.next(in: chunk, from: &position) {
            switch event {
            case .mismatch(let member): found.append("mismatch \(member)")
            case .row(let member):
                let values = (0..<fieldCount).map { field in
                    switch scanner.row.kind(field) {
                    case .absent: "-"
                    case .null: "null"
                    case .bool: "\(scanner.row.bool(field) ?? false)"
                    case .number: "\(scanner.row.number(field) ?? 0)"
                    case .text: "'\(scanner.row.string(field) ?? "")'"
                    case .cutText: "'\(scanner.row.string(field) ?? "")…'"
                    case .container: "{}"
                    }
                }
                let key = String(decoding: scanner.key, as: UTF8.self)
                found.append("\(member) \(key): \(values.joined(separator: " "))")
            }
        }
    }
    try scanner.finish()
    return found
}

private let fields = FieldSet(["hash", "up_limit"])

private let mainData: DocumentShape = .members([
    DocumentMember("rid", .value), DocumentMember("full_update", .value),
    DocumentMember("server_state", .row(FieldSet(["alltime_ul", "up_info_data"]))),
    DocumentMember("torrents", .keyedRows(FieldSet(["state", "up_limit"]))),
    DocumentMember("torrents_removed", .list), DocumentMember("trackers", .keyedLists),
])

@Suite struct DocumentScannerTests {
    @Test("Wanted fields of each row come out, everything else is passed over, wherever the text is cut")
    func rows() throws {
        let text = """
            [{"hash":"aa","x":{"hash":"no","up_limit":[9]},"up_limit":5}, {"up_limit":null,"hash":"b\\u0062"},
             {"hash":{"a":[1]},"up_limit":[{}]}, {}, {"up_limit":1,"up_limit":2,"hash":true}, 7, [{"hash":"x"}], null]
            """
        let expected = [
            "0 : 'aa' 5", "0 : 'bb' null", "0 : {} {}", "0 : - -", "0 : true 2", "mismatch 0", "mismatch 0",
            "mismatch 0",
        ]
        #expect(try events(.rows(fields), text) == expected)
        #expect(try events(.rows(fields), text, cutAt: everyByte(of: Array(text.utf8))) == expected)
        for cut in 0...text.utf8.count { #expect(try events(.rows(fields), text, cutAt: [cut]) == expected) }
    }

    @Test("All parts of a maindata answer come out with their keys, wherever the text is cut")
    func members() throws {
        let text = """
            {"categories":{"a":{"name":"rid"}},"full_update":true,"rid":12,"server_state":{"alltime_ul":9,
            "x":[[]],"up_info_data":3},"tags":["t"],"torrents":{"aa":{"state":"x","up_limit":-1},"bb":5,"cc":{}},
            "torrents_removed":["dd",4,"ee"],"trackers":{"http://t":["aa","bb"],"udp://u":[],"bad":{"a":[]}}}
            """
        let expected = [
            "1 : true -", "0 : 12 -", "2 : 9 3", "3 aa: 'x' -1", "mismatch 3", "3 cc: - -", "4 cc: 'dd' -",
            "mismatch 4", "4 cc: 'ee' -", "5 http://t: 'aa' -", "5 http://t: 'bb' -", "mismatch 5",
        ]
        #expect(try events(mainData, text) == expected)
        #expect(try events(mainData, text, cutAt: everyByte(of: Array(text.utf8))) == expected)
        for cut in 0...text.utf8.count { #expect(try events(mainData, text, cutAt: [cut]) == expected) }
    }

    @Test("A member of another kind is a mismatch and leaves the rest readable")
    func wrongMembers() throws {
        let text =
            #"{"torrents":[{"state":"x"}],"trackers":3,"torrents_removed":{"a":["b"]},"server_state":null,"rid":1}"#
        #expect(
            try events(mainData, text) == ["mismatch 3", "mismatch 5", "mismatch 4", "mismatch 2", "0 : 1 -"])
    }

    @Test("A single object and a table of values are documents too")
    func otherShapes() throws {
        #expect(try events(.row(fields), #"{"up_limit":3,"hash":"a"}"#) == ["0 : 'a' 3"])
        #expect(
            try events(.values, #"{"aa":0,"bb":-1,"cc":[{"d":1}],"ee":"x"}"#, fieldCount: 1)
                == ["0 aa: 0", "0 bb: -1", "0 cc: {}", "0 ee: 'x'"])
        #expect(try events(.values, "{}", fieldCount: 1) == [])
        #expect(try events(.rows(fields), " [ ] ") == [])
    }

    @Test(
        "Every text that stops short is refused",
        arguments: [
            #"[{"hash":"aa","up_limit":5},{"hash":"bb"}]"#, #"{"rid":1,"torrents":{"aa":{"state":"x"}}}"#,
        ])
    func truncated(text: String) {
        let shape = text.hasPrefix("[") ? .rows(fields) : mainData
        for length in 0..<text.utf8.count {
            #expect(throws: JSONFailure.self) { try events(shape, String(text.prefix(length))) }
        }
        #expect(throws: Never.self) { try events(shape, text) }
    }

    @Test(
        "What is no such document is refused",
        arguments: [
            ("<html><body>502 Bad Gateway</body></html>", JSONFailure.Reason.unexpectedByte(0x3C)),
            ("Forbidden", .unexpectedByte(0x46)), ("{}", .wrongShape), ("\"text\"", .wrongShape),
            ("5 ", .wrongShape),
            ("null", .wrongShape), ("[]x", .bytesAfterDocument(0x78)), ("[][]", .bytesAfterDocument(0x5B)),
            ("", .endOfInput), ("5", .wrongShape),
        ])
    func refused(text: String, reason: JSONFailure.Reason) {
        do {
            _ = try events(.rows(fields), text)
            Issue.record("taken")
        } catch {
            #expect(error.reason == reason)
        }
    }

    @Test("A text longer than the limit is cut at the limit, the same wherever the chunks end")
    func longText() throws {
        let limits = JSONLimits(textBytes: 8)
        let texts = [
            #"[{"hash":"0123456789","up_limit_at_night":1}]"#,
            #"[{"hash":"0123\u0034567\n89","up_\u006cimit_":1}]"#,
        ]
        for text in texts {
            for cut in 0...text.utf8.count {
                #expect(
                    try events(.rows(fields), text, cutAt: [cut], limits: limits) == ["0 : '01234567…' -"])
            }
        }
        #expect(try events(.rows(fields), #"[{"hash":"01234567"}]"#, limits: limits) == ["0 : '01234567' -"])
    }

    @Test("Names are told apart by every byte, also those of a common length and beginning")
    func similarNames() throws {
        let names = FieldSet(["uploaded_session", "uploaded_sessioN", "u", "", "uploaded"])
        let text = """
            [{"uploaded_session":1,"uploaded_sessioN":2,"u":3,"":4,"uploaded":5,"Uploaded":6,"uploadee":7,
            "uploaded_sessiox":8,"v":9,"downloaded_session":10,"\\u0075":11}]
            """
        for cut in 0...text.utf8.count {
            #expect(try events(.rows(names), text, cutAt: [cut], fieldCount: 5) == ["0 : 1 2 11 4 5"])
        }
    }

    @Test("Random bytes and random damage end in rows or a refusal", arguments: 0..<300 as Range<UInt64>)
    func damage(seed: UInt64) {
        var generator = RandomJSON(seed: seed)
        var bytes = Array(generator.value().utf8)
        for _ in 0..<Int.random(in: 0...4, using: &generator.random) {
            let place = Int.random(in: 0..<bytes.count, using: &generator.random)
            bytes[place] = UInt8.random(in: 0...255, using: &generator.random)
        }
        let cuts = someCuts(of: bytes, using: &generator.random)
        for shape in [.rows(fields), .row(fields), .values, mainData] as [DocumentShape] {
            #expect(outcome(shape, bytes, []) == outcome(shape, bytes, cuts))
        }
    }

    private func outcome(_ shape: DocumentShape, _ bytes: [UInt8], _ cuts: [Int]) -> String {
        var scanner = DocumentScanner(shape)
        var rows = 0
        do throws(JSONFailure) {
            try eachChunk(of: bytes, cutAt: cuts) { chunk throws(JSONFailure) in
                var position = 0
                while try scanner.next(in: chunk, from: &position) != nil { rows += 1 }
            }
            try scanner.finish()
            return "\(rows) rows"
        } catch {
            return "\(rows) rows, then \(error)"
        }
    }
}
