import JSONScanning

@testable import QBittorrentAPI

/// What a scanner finds in a document, and where it refuses it, does not depend on where the chunks end.
///
/// The first byte chooses the shape, the second whether each byte is a chunk or the document is cut in two, the
/// next two where; the rest is the document.
let jsonTarget = FuzzTarget(name: "json") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let (shape, width) = shapes[Int(reader.byte()) % shapes.count]
    let isBytewise = reader.byte() == UInt8(ascii: "b")
    let place = reader.twoBytes()
    let document = Array(reader.rest)
    let cuts = isBytewise ? Array(document.indices.dropFirst()) : [place % (document.count + 1)]
    let whole = scan(document, cuts: [], shape, width)
    let cut = scan(document, cuts: cuts, shape, width)
    try require(whole == cut, "other events when cut at \(cuts.map(String.init).joined(separator: ", "))")
}

/// Those of the answers that the client reads, each with the number of its fields.
private let shapes: [(DocumentShape, width: Int)] = [
    (TorrentListReader.shape, TorrentField.all.names.count),
    (MainDataReader.shape, TorrentField.all.names.count),
    (.values, 1),
    (.rows(FieldSet(["url", "status"])), 2),
    (.row(FieldSet(["up_info_speed", "up_info_data", "up_rate_limit"])), 3),
    // Of no answer today, but of the scanner's.
    (.members([DocumentMember("trackers", .keyedLists), DocumentMember("list", .list)]), 1),
]

/// All that a caller can see of a scan.
private struct ScanRecord: Equatable {
    var bytes: [UInt8] = []
    var failure: JSONFailure?

    mutating func append(_ number: Int64) {
        withUnsafeBytes(of: number) { self.bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: some Collection<UInt8>) {
        self.append(Int64(text.count))
        self.bytes.append(contentsOf: text)
    }

    mutating func append(_ event: DocumentEvent, from scanner: borrowing DocumentScanner, width: Int) {
        self.append(scanner.key)
        switch event {
        case .mismatch(let member): self.append(Int64(-1 - member))
        case .row(let member):
            self.append(Int64(member))
            for field in 0..<width {
                self.bytes.append(scanner.row.kind(field).rawValue)
                self.append(scanner.row.number(field) ?? (scanner.row.bool(field) == true ? 1 : 0))
                self.append(scanner.row.text(field) ?? [])
            }
        }
    }
}

private func scan(_ document: [UInt8], cuts: [Int], _ shape: DocumentShape, _ width: Int) -> ScanRecord {
    // A text is cut early, so that inputs reach that too.
    var scanner = DocumentScanner(shape, limits: JSONLimits(textBytes: 48))
    var record = ScanRecord()
    do throws(JSONFailure) {
        var start = 0
        for end in cuts + [document.count] {
            let chunk = document.span.extracting(start..<end)
            var position = 0
            while let event = try scanner.next(in: chunk, from: &position) {
                record.append(event, from: scanner, width: width)
            }
            start = end
        }
        try scanner.finish()
    } catch {
        record.failure = error
    }
    return record
}
