import SwarmTypes
import TorrentCatalog

/// What `transfer/info` and `server_state` tell of.
struct ServerState: Sendable {
    var session: SessionSummary
    var preferences: LibraryPreferences
}

let transferFields: [Field<ServerState>] = [
    .text("connection_status") { $0.session.reachability.facadeStatus },
    .integer("dht_nodes") { _ in 0 },
    .integer("dl_info_data") { $0.session.sessionDownloaded },
    .integer("dl_info_speed") { $0.session.downRate.bytesPerSecond },
    .integer("dl_rate_limit") { $0.session.downloadLimit.facadeValue },
    .text("last_external_address_v4") { _ in "" },
    .text("last_external_address_v6") { _ in "" },
    .integer("up_info_data") { $0.session.sessionUploaded },
    .integer("up_info_speed") { $0.session.upRate.bytesPerSecond },
    .integer("up_rate_limit") { $0.session.uploadLimit.facadeValue },
]

let serverStateFields: [Field<ServerState>] =
    transferFields + [
        .integer("alltime_dl") { $0.session.allTimeDownloaded },
        .integer("alltime_ul") { $0.session.allTimeUploaded },
        .integer("average_time_queue") { _ in 0 },
        .integer("free_space_on_disk") { $0.session.freeSpace ?? 0 },
        .text("global_ratio") { $0.session.globalRatio },
        .integer("queued_io_jobs") { _ in 0 },
        .bool("queueing") { $0.session.isQueueing },
        .text("read_cache_hits") { _ in "0" },
        .text("read_cache_overload") { _ in "0" },
        .integer("refresh_interval") { _ in 1500 },
        .integer("total_buffers_size") { _ in 0 },
        .integer("total_peer_connections") { Int64($0.session.connections) },
        .integer("total_queued_size") { _ in 0 },
        .integer("total_wasted_session") { $0.session.wasted },
        .bool("use_alt_speed_limits") { $0.session.usesAlternativeLimits },
        .bool("use_subcategories") { _ in false },
        .text("write_cache_overload") { _ in "0" },
    ]

extension SessionSummary.Reachability {
    var facadeStatus: String {
        switch self {
        case .reachable: "connected"
        case .unknown: "firewalled"
        case .offline: "disconnected"
        }
    }
}

extension SessionSummary {
    /// With two digits behind the point; "-" where nothing was downloaded.
    var globalRatio: String {
        guard self.allTimeDownloaded > 0 else { return "-" }
        let hundredths = Double(self.allTimeUploaded) / Double(self.allTimeDownloaded) * 100
        let whole = Int64(hundredths.rounded())
        let rest = whole % 100
        return "\(whole / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
