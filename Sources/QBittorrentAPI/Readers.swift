import JSONScanning
import SwarmTypes

/// `torrents/info`: into a revision of the table.
struct TorrentListReader: EventReading {
    static let shape = DocumentShape.rows(TorrentField.all)

    var revision: TableRevision

    mutating func receive(_ event: DocumentEvent, from scanner: borrowing DocumentScanner) -> Bool {
        guard case .row = event, let hash = scanner.row.text(TorrentField.hash.rawValue) else {
            self.revision.receiveUnknown()
            return true
        }
        return self.revision.receive(scanner.row, hash: hash)
    }
}

/// `sync/maindata`: into a revision of the table, with what else the answer says.
struct MainDataReader: EventReading {
    static let shape = DocumentShape.members([
        DocumentMember("rid", .value), DocumentMember("full_update", .value),
        DocumentMember("server_state", .row(FieldSet(["alltime_ul", "up_info_data"]))),
        DocumentMember("torrents", .keyedRows(TorrentField.all)), DocumentMember("torrents_removed", .list),
    ])

    var revision: TableRevision
    /// By which the next differences are asked for.
    private(set) var responseID: Int64?
    private(set) var isFull = false
    private(set) var uploadedEver: Int64?
    private(set) var uploadedThisSession: Int64?

    init(revision: TableRevision) { self.revision = revision }

    mutating func receive(_ event: DocumentEvent, from scanner: borrowing DocumentScanner) -> Bool {
        switch event {
        case .row(member: 0): self.responseID = scanner.row.number(0)
        case .row(member: 1): self.isFull = scanner.row.bool(0) ?? false
        case .row(member: 2):
            self.uploadedEver = scanner.row.number(0)
            self.uploadedThisSession = scanner.row.number(1)
        case .row(member: 3): return self.revision.receive(scanner.row, hash: scanner.key)
        case .row(member: 4):
            guard let text = scanner.row.text(0), let id = TorrentID(hexDigits: Array(text)) else {
                self.revision.receiveUnknown()
                return true
            }
            self.revision.remove(id)
        case .mismatch(member: 3), .mismatch(member: 4): self.revision.receiveUnknown()
        case .row, .mismatch: break
        }
        return true
    }
}

/// Hash to number, as `torrents/uploadLimit` answers.
struct LimitReader: EventReading {
    private(set) var limits: [TorrentID: Int64] = [:]

    mutating func receive(_ event: DocumentEvent, from scanner: borrowing DocumentScanner) -> Bool {
        guard let id = TorrentID(hexDigits: scanner.key), let limit = scanner.row.number(0) else {
            return true
        }
        self.limits[id] = limit
        return self.limits.count <= TableRevision.maximumRows
    }
}

/// The rows of a small answer.
struct RowCollector: EventReading {
    private(set) var rows: [ScannedRow] = []

    mutating func receive(_ event: DocumentEvent, from scanner: borrowing DocumentScanner) -> Bool {
        if case .row = event { self.rows.append(scanner.row) }
        return self.rows.count <= 100_000
    }
}
