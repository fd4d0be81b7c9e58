import SwarmTypes
import TorrentCatalog

/// Infinity, where qBittorrent counts seconds.
private let endlessSeconds: Int64 = 8_640_000

/// Trackers, web seeds and peers come after hash and name.
private func magnetWithoutTrackers(_ link: String) -> String {
    let parts = link.split(separator: "&").filter { $0.hasPrefix("magnet:") || $0.hasPrefix("dn=") }
    return parts.joined(separator: "&")
}

/// The members of a torrent in `torrents/info` and `sync/maindata`, as 5.1 sends them, but for `hash`.
let torrentFields: [Field<TorrentSummary>] = [
    .integer("added_on") { $0.addedAt },
    .integer("amount_left") { max(0, $0.wantedSize - $0.wantedDone) },
    .bool("auto_tmm") { $0.isManaged },
    .number("availability") { $0.availability ?? ($0.isComplete ? -1 : 0) },
    .text("category") { $0.category },
    .text("comment") { $0.comment },
    .integer("completed") { $0.wantedDone },
    .integer("completion_on") { $0.completedAt ?? -1 },
    .text("content_path") { $0.contentPath },
    .integer("dl_limit") { $0.downloadLimit.facadeValue },
    .integer("dlspeed") { $0.downRate.bytesPerSecond },
    .text("download_path") { _ in "" },
    .integer("downloaded") { $0.downloaded },
    .integer("downloaded_session") { $0.sessionDownloaded },
    .integer("eta") { min($0.remainingSeconds ?? endlessSeconds, endlessSeconds) },
    .bool("f_l_piece_prio") { $0.wantsEndsFirst },
    .bool("force_start") { $0.isForced },
    .bool("has_metadata") { $0.hasMetadata },
    .integer("inactive_seeding_time_limit") { $0.shareLimits.inactiveMinutes.facadeValue },
    .text("infohash_v1") { $0.infoHashV1 },
    .text("infohash_v2") { $0.infoHashV2 },
    .integer("last_activity") { $0.lastActivityAt ?? $0.addedAt },
    .text("magnet_uri", withoutKeys: magnetWithoutTrackers) { $0.magnet },
    .integer("max_inactive_seeding_time") { $0.effectiveShareLimits.inactiveMinutes.facadeBound },
    .number("max_ratio") { $0.effectiveShareLimits.ratio.facadeBound },
    .integer("max_seeding_time") { $0.effectiveShareLimits.seedingMinutes.facadeBound },
    .text("name") { $0.name },
    .integer("num_complete") { Int64($0.swarmSeeds ?? $0.connectedSeeds) },
    .integer("num_incomplete") { Int64($0.swarmLeechers ?? $0.connectedLeechers) },
    .integer("num_leechs") { Int64($0.connectedLeechers) },
    .integer("num_seeds") { Int64($0.connectedSeeds) },
    .number("popularity") { $0.popularity },
    .integer("priority") { Int64($0.queuePosition ?? 0) },
    Field("private") { $0.isPrivate.map { .bool($0) } ?? .null },
    .number("progress") { $0.progress },
    .number("ratio") { $0.facadeRatio },
    .number("ratio_limit") { $0.shareLimits.ratio.facadeValue },
    .deadline("reannounce") { $0.nextAnnounceAt },
    .text("root_path") { $0.rootPath },
    .text("save_path") { $0.directory },
    .integer("seeding_time") { $0.seedingSeconds },
    .integer("seeding_time_limit") { $0.shareLimits.seedingMinutes.facadeValue },
    .integer("seen_complete") { $0.seenCompleteAt ?? -1 },
    .bool("seq_dl") { $0.isSequential },
    .integer("size") { $0.wantedSize },
    .text("state") { $0.facadeState },
    .bool("super_seeding") { $0.isSuperSeeding },
    .text("tags") { $0.tags.joined(separator: ", ") },
    .integer("time_active") { $0.activeSeconds },
    .integer("total_size") { $0.hasMetadata ? $0.totalSize : -1 },
    .text("tracker", withoutKeys: { MaskedTracker($0).url }) { $0.tracker },
    .integer("trackers_count") { Int64($0.trackers.count) },
    .integer("up_limit") { $0.uploadLimit.facadeValue },
    .integer("uploaded") { $0.uploaded },
    .integer("uploaded_session") { $0.sessionUploaded },
    .integer("upspeed") { $0.upRate.bytesPerSecond },
]

extension TorrentSummary {
    /// qBittorrent's word for what it does.
    var facadeState: String {
        let isComplete = self.isComplete
        switch self.state {
        case .stopped: return isComplete ? "stoppedUP" : "stoppedDL"
        case .queued: return isComplete ? "queuedUP" : "queuedDL"
        case .checking: return isComplete ? "checkingUP" : "checkingDL"
        case .checkingAtStart: return "checkingResumeData"
        case .metadata: return self.isForced ? "forcedMetaDL" : "metaDL"
        case .downloading:
            if self.isForced { return "forcedDL" }
            return self.downRate > .zero ? "downloading" : "stalledDL"
        case .seeding:
            if self.isForced { return "forcedUP" }
            return self.upRate > .zero ? "uploading" : "stalledUP"
        case .moving: return "moving"
        case .missingFiles: return "missingFiles"
        case .failed: return "error"
        }
    }

    /// -1 is infinite.
    var facadeRatio: Double { self.ratio.map { min($0, 9999) } ?? -1 }

    /// Ratio by month.
    var popularity: Double {
        guard self.activeSeconds > 0, let ratio = self.ratio else { return 0 }
        return ratio / (Double(self.activeSeconds) / 2_629_746)
    }
}

extension UploadLimit {
    /// 0 is unlimited.
    var facadeValue: Int64 { self.rate?.bytesPerSecond ?? 0 }
}

extension ShareLimits.Bound<Int64> {
    /// -2 is that of all, -1 none.
    var facadeValue: Int64 {
        switch self {
        case .inherited: -2
        case .none: -1
        case .value(let value): value
        }
    }

    var facadeBound: Int64 { max(-1, self.facadeValue) }

    init(facadeValue value: Int64) {
        self = value == -2 ? .inherited : value < 0 ? .none : .value(value)
    }
}

extension ShareLimits.Bound<Double> {
    var facadeValue: Double {
        switch self {
        case .inherited: -2
        case .none: -1
        case .value(let value): value
        }
    }

    var facadeBound: Double { max(-1, self.facadeValue) }

    init(facadeValue value: Double) {
        self = value == -2 ? .inherited : value >= 0 ? .value(value) : .none
    }
}
