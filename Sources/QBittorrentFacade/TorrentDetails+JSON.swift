import JSONValues
import SwarmTypes
import TorrentCatalog

extension JSONWriter {
    /// The members of `torrents/properties`.
    mutating func properties(of torrent: TorrentSummary, now: Int64) {
        let loading = torrent.activeSeconds - torrent.seedingSeconds
        self.member("addition_date", torrent.addedAt)
        self.member("comment", torrent.comment)
        self.member("completion_date", torrent.completedAt ?? -1)
        self.member("created_by", torrent.creator)
        self.member("creation_date", torrent.createdAt ?? -1)
        self.member("dl_limit", torrent.downloadLimit.rate?.bytesPerSecond ?? -1)
        self.member("dl_speed", torrent.downRate.bytesPerSecond)
        self.member("dl_speed_avg", loading > 0 ? torrent.downloaded / loading : -1)
        self.member("download_path", "")
        self.member("eta", min(torrent.remainingSeconds ?? 8_640_000, 8_640_000))
        self.member("has_metadata", torrent.hasMetadata)
        self.member("hash", torrent.id.hex)
        self.member("infohash_v1", torrent.infoHashV1)
        self.member("infohash_v2", torrent.infoHashV2)
        self.member("is_private", torrent.isPrivate ?? false)
        self.name("private")
        if let isPrivate = torrent.isPrivate { self.bool(isPrivate) } else { self.null() }
        self.member("last_seen", torrent.seenCompleteAt ?? -1)
        self.member("name", torrent.name)
        self.member("nb_connections", torrent.connectedSeeds + torrent.connectedLeechers)
        self.member("nb_connections_limit", 100)
        self.member("peers", torrent.connectedLeechers)
        self.member("peers_total", torrent.swarmLeechers ?? torrent.connectedLeechers)
        self.member("piece_size", torrent.hasMetadata ? torrent.pieceLength : -1)
        self.member("pieces_have", torrent.piecesHad)
        self.member("pieces_num", torrent.hasMetadata ? torrent.pieceCount : -1)
        self.member("popularity", torrent.popularity)
        self.member("progress", torrent.progress)
        self.member("reannounce", torrent.nextAnnounceAt.map { max(0, $0 - now) } ?? 0)
        self.member("save_path", torrent.directory)
        self.member("seeding_time", torrent.seedingSeconds)
        self.member("seeds", torrent.connectedSeeds)
        self.member("seeds_total", torrent.swarmSeeds ?? torrent.connectedSeeds)
        self.member("share_ratio", torrent.facadeRatio)
        self.member("time_elapsed", torrent.activeSeconds)
        self.member("total_downloaded", torrent.downloaded)
        self.member("total_downloaded_session", torrent.sessionDownloaded)
        self.member("total_size", torrent.hasMetadata ? torrent.totalSize : -1)
        self.member("total_uploaded", torrent.uploaded)
        self.member("total_uploaded_session", torrent.sessionUploaded)
        self.member("total_wasted", torrent.wasted)
        self.member("up_limit", torrent.uploadLimit.rate?.bytesPerSecond ?? -1)
        self.member("up_speed", torrent.upRate.bytesPerSecond)
        self.member(
            "up_speed_avg", torrent.activeSeconds > 0 ? torrent.uploaded / torrent.activeSeconds : -1)
    }

    /// What qBittorrent lists before the trackers: the other ways to find peers.
    mutating func object(pseudoTracker name: String, isOn: Bool, isPrivate: Bool) {
        self.object {
            $0.member("msg", isPrivate ? "This torrent is private" : "")
            for count in ["num_downloaded", "num_leeches", "num_peers", "num_seeds"] { $0.member(count, 0) }
            $0.member("status", isOn ? 2 : 0)
            $0.member("tier", -1)
            $0.member("url", name)
        }
    }

    mutating func object(_ tracker: TrackerLine, _ telling: Telling) {
        let masked = telling.showsKeys ? nil : MaskedTracker(tracker.url)
        self.object {
            $0.member("msg", masked?.masking(tracker.words) ?? tracker.words)
            $0.member("num_downloaded", tracker.downloads ?? -1)
            $0.member("num_leeches", tracker.leechers ?? -1)
            $0.member("num_peers", tracker.peersGiven)
            $0.member("num_seeds", tracker.seeds ?? -1)
            $0.member("status", tracker.state.facadeStatus)
            $0.member("tier", tracker.tier)
            $0.member("url", masked?.url ?? tracker.url)
        }
    }

    mutating func object(_ file: FileLine, isSeed: Bool) {
        self.object {
            $0.member("availability", file.availability)
            $0.member("index", file.number)
            if file.number == 0 { $0.member("is_seed", isSeed) }
            $0.member("name", file.path)
            $0.member(
                "piece_range",
                array: {
                    $0.integer(Int64(file.firstPiece))
                    $0.integer(Int64(file.lastPiece))
                })
            $0.member("priority", file.priority.facadeValue)
            $0.member("progress", file.size > 0 ? Double(file.done) / Double(file.size) : 1)
            $0.member("size", file.size)
        }
    }
}

extension TrackerLine.State {
    fileprivate var facadeStatus: Int {
        switch self {
        case .disabled: 0
        case .notContacted: 1
        case .working: 2
        case .announcing: 3
        case .failing: 4
        }
    }
}

extension FilePriority {
    var facadeValue: Int {
        switch self {
        case .skip: 0
        case .normal: 1
        case .high: 6
        case .highest: 7
        }
    }

    init?(facadeValue: Int64) {
        switch facadeValue {
        case 0: self = .skip
        case 1: self = .normal
        case 6: self = .high
        case 7: self = .highest
        default: return nil
        }
    }
}
