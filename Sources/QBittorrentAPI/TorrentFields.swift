import JSONScanning
import SwarmTypes

/// The fields of a torrent that are read in every poll, for `torrents/info` and `sync/maindata` alike.
enum TorrentField: Int, CaseIterable {
    case hash, state, magnet
    case upspeed, uploaded, uploadedInSession, limit, leeches, seeds, lastActivity, addedOn, progress

    static let all = FieldSet(Self.allCases.map(\.name))
    static let texts = [Self.hash, .state, .magnet]
    static let numbers = Self.allCases.filter { !Self.texts.contains($0) }

    private var name: String {
        switch self {
        case .hash: "hash"
        case .state: "state"
        case .magnet: "magnet_uri"
        case .upspeed: "upspeed"
        case .uploaded: "uploaded"
        case .uploadedInSession: "uploaded_session"
        case .limit: "up_limit"
        case .leeches: "num_leechs"
        case .seeds: "num_seeds"
        case .lastActivity: "last_activity"
        case .addedOn: "added_on"
        case .progress: "progress"
        }
    }
}

extension ScannedRow {
    private func kind(_ field: TorrentField) -> Kind { self.kind(field.rawValue) }
    private func number(_ field: TorrentField) -> Int64? { self.number(field.rawValue) }

    /// Whether a new torrent's row says all that must be known of it.
    var describesTorrent: Bool {
        self.kind(.state) == .text && self.kind(.uploaded) == .number && self.kind(.limit) == .number
    }

    /// Whether every field that is there is of its kind. A null counts as absent.
    private var isWellFormed: Bool {
        for field in TorrentField.numbers {
            switch self.kind(field) {
            case .absent, .null, .number: continue
            case .bool, .text, .cutText, .container: return false
            }
        }
        for field in TorrentField.texts {
            switch self.kind(field) {
            case .absent, .null, .text, .cutText: continue
            case .bool, .number, .container: return false
            }
        }
        return true
    }

    /// Writes the fields that are there over a row; false, and the row unchanged, when one is not of its kind.
    func update(_ row: inout TorrentRow, _ trackerSets: inout TrackerSets) -> Bool {
        guard self.isWellFormed else { return false }
        if let value = self.number(.upspeed) { row.setUploadRate(value) }
        if let value = self.number(.uploaded) { row.uploaded = value }
        if let value = self.number(.uploadedInSession) { row.uploadedInSession = value }
        if let value = self.number(.limit) { row.setLimit(written: value) }
        if let value = self.number(.leeches) { row.leeches = Int32(clamping: value) }
        if let value = self.number(.seeds) { row.seeds = Int32(clamping: value) }
        if let value = self.number(.lastActivity) { row.setLastActivity(value) }
        if let value = self.number(.addedOn) { row.addedOn = value }
        // From 0 to 1, and read without its fraction.
        if let value = self.number(.progress) { row.isComplete = value >= 1 }
        if let text = self.text(TorrentField.state.rawValue) { row.activity = TorrentActivity(state: text) }
        if let link = self.magnetLink {
            row.trackerSet = trackerSets.index(ofMagnet: link, guess: row.trackerSet)
        }
        return true
    }

    /// Of a link that was cut for its length, the parameters that are whole.
    private var magnetLink: ArraySlice<UInt8>? {
        guard let link = self.text(TorrentField.magnet.rawValue) else { return nil }
        guard self.kind(.magnet) == .cutText else { return link }
        return link.prefix(through: link.lastIndex(of: UInt8(ascii: "&")) ?? link.startIndex)
    }
}

extension TorrentActivity {
    private static let stoppedStates = ["pausedUP", "pausedDL", "stoppedUP", "stoppedDL"].map {
        Array($0.utf8)
    }
    private static let brokenStates = ["error", "missingFiles"].map { Array($0.utf8) }

    /// A state that is not known may upload.
    init(state: ArraySlice<UInt8>) {
        self =
            if Self.stoppedStates.contains(where: { $0.elementsEqual(state) }) {
                .stopped
            } else if Self.brokenStates.contains(where: { $0.elementsEqual(state) }) {
                .broken
            } else {
                .canUpload
            }
    }
}
