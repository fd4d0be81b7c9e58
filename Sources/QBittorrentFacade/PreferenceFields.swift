import SwarmTypes
import TorrentCatalog

/// The members of `app/preferences` that Weir has.
private let ownPreferenceFields: [Field<LibraryPreferences>] = [
    .integer("alt_dl_limit") { $0.alternativeDownloadLimit.facadeValue },
    .integer("alt_up_limit") { $0.alternativeUploadLimit.facadeValue },
    .bool("auto_tmm_enabled") { $0.managesByDefault },
    .integer("dl_limit") { $0.downloadLimit.facadeValue },
    .bool("dont_count_slow_torrents") { $0.queue?.ignoresSlow ?? false },
    .integer("encryption") { $0.encryption.facadeValue },
    .integer("listen_port") { Int64($0.listeningPort) },
    .integer("max_active_downloads") { Int64($0.queue?.downloads ?? ($0.queue == nil ? 3 : -1)) },
    .integer("max_active_torrents") { Int64($0.queue?.torrents ?? ($0.queue == nil ? 5 : -1)) },
    .integer("max_active_uploads") { Int64($0.queue?.uploads ?? ($0.queue == nil ? 3 : -1)) },
    .integer("max_connec") { Int64($0.maximumConnections) },
    .integer("max_connec_per_torrent") { Int64($0.maximumPeersPerTorrent) },
    .integer("max_inactive_seeding_time") { $0.shareLimits.inactiveMinutes.facadeBound },
    .bool("max_inactive_seeding_time_enabled") { $0.shareLimits.inactiveMinutes.facadeBound >= 0 },
    .number("max_ratio") { $0.shareLimits.ratio.facadeBound },
    .integer("max_ratio_act") { $0.shareAction.facadeValue },
    .bool("max_ratio_enabled") { $0.shareLimits.ratio.facadeBound >= 0 },
    .integer("max_seeding_time") { $0.shareLimits.seedingMinutes.facadeBound },
    .bool("max_seeding_time_enabled") { $0.shareLimits.seedingMinutes.facadeBound >= 0 },
    .bool("pex") { $0.exchangesPeers },
    .bool("preallocate_all") { $0.reservesSpace },
    .bool("queueing_enabled") { $0.queue != nil },
    .text("banned_IPs") { $0.bannedHosts.map(\.host).joined(separator: "\n") },
    .text("save_path") { $0.directory },
    // 1: added with the usual folder.
    Field("scan_dirs") { .marks($0.watchFolders) },
    .integer("schedule_from_hour") { Int64(($0.schedule?.from ?? 480) / 60) },
    .integer("schedule_from_min") { Int64(($0.schedule?.from ?? 480) % 60) },
    .integer("schedule_to_hour") { Int64(($0.schedule?.to ?? 1200) / 60) },
    .integer("schedule_to_min") { Int64(($0.schedule?.to ?? 1200) % 60) },
    .integer("scheduler_days") { $0.schedule?.facadeDays ?? 0 },
    .bool("scheduler_enabled") { $0.schedule != nil },
    .bool("add_stopped_enabled") { $0.startsStopped },
    .integer("up_limit") { $0.uploadLimit.facadeValue },
    .bool("upnp") { $0.mapsPort },
]

private func off(_ names: [String]) -> [Field<LibraryPreferences>] { names.map { .bool($0) { _ in false } } }

private func on(_ names: [String]) -> [Field<LibraryPreferences>] { names.map { .bool($0) { _ in true } } }

private func empty(_ names: [String]) -> [Field<LibraryPreferences>] { names.map { .text($0) { _ in "" } } }

private func number(_ value: Int64, _ names: [String]) -> [Field<LibraryPreferences>] {
    names.map { .integer($0) { _ in value } }
}

/// The others are answered as they are with the feature off, since some clients look for them.
let preferenceFields: [Field<LibraryPreferences>] =
    ownPreferenceFields
    + off([
        "add_to_top_of_queue", "add_trackers_enabled", "add_trackers_from_url_enabled", "anonymous_mode",
        "announce_to_all_tiers", "announce_to_all_trackers", "autorun_enabled",
        "autorun_on_torrent_added_enabled", "block_peers_on_privileged_ports",
        "bypass_auth_subnet_whitelist_enabled",
        "bypass_local_auth", "delete_torrent_content_files", "dht", "dyndns_enabled",
        "enable_embedded_tracker",
        "enable_multi_connections_from_same_ip", "enable_piece_extent_affinity",
        "excluded_file_names_enabled",
        "idn_support_enabled", "incomplete_files_ext", "ip_filter_enabled", "ip_filter_trackers",
        "limit_tcp_overhead", "limit_utp_rate", "lsd", "mail_notification_auth_enabled",
        "mail_notification_enabled", "mail_notification_ssl_enabled", "mark_of_the_web", "merge_trackers",
        "performance_warning", "proxy_auth_enabled", "proxy_bittorrent",
        "proxy_hostname_lookup",
        "proxy_misc", "proxy_peer_connections", "proxy_rss", "random_port", "reannounce_when_address_changed",
        "recheck_completed_torrents", "rss_auto_downloading_enabled", "rss_download_repack_proper_episodes",
        "rss_processing_enabled", "status_bar_external_ip", "temp_path_enabled",
        "use_category_paths_in_manual_mode", "use_https", "use_subcategories", "use_unwanted_folder",
        "web_ui_reverse_proxy_enabled", "web_ui_upnp",
        "web_ui_use_custom_http_headers_enabled", "alternative_webui_enabled",
    ])
    + on([
        "limit_lan_peers", "validate_https_tracker_certificate", "ssrf_mitigation",
        "web_ui_clickjacking_protection_enabled", "web_ui_csrf_protection_enabled",
        "web_ui_host_header_validation_enabled", "category_changed_tmm_enabled",
        "save_path_changed_tmm_enabled",
        "torrent_changed_tmm_enabled",
    ])
    + empty([
        "add_trackers", "add_trackers_url", "alternative_webui_path", "announce_ip", "app_instance_name",
        "autorun_on_torrent_added_program", "autorun_program", "bypass_auth_subnet_whitelist",
        "current_interface_address", "current_interface_name", "current_network_interface", "dyndns_domain",
        "dyndns_password", "dyndns_username", "excluded_file_names", "export_dir", "export_dir_fin",
        "ip_filter_path", "locale", "mail_notification_email", "mail_notification_password",
        "mail_notification_sender", "mail_notification_smtp", "mail_notification_username", "proxy_ip",
        "proxy_password", "proxy_username", "python_executable_path", "rss_smart_episode_filters",
        "temp_path",
        "web_ui_custom_http_headers", "web_ui_domain_list", "web_ui_https_cert_path", "web_ui_https_key_path",
        "web_ui_reverse_proxies_list", "web_ui_username",
    ])
    + number(
        0,
        [
            "dyndns_service", "file_log_age_type", "outgoing_ports_max",
            "outgoing_ports_min", "slow_torrent_inactive_timer",
            "upload_choking_algorithm", "upload_slots_behavior", "utp_tcp_mixed_mode",
        ])
    + number(1, ["bittorrent_protocol"]) + number(8080, ["proxy_port", "web_ui_port"])
    + number(-1, ["max_uploads", "max_uploads_per_torrent"]) + number(1500, ["refresh_interval"])
    + number(3600, ["web_ui_session_timeout", "web_ui_ban_duration"])
    + number(5, ["web_ui_max_auth_fail_count"])
    + off(defaultPreferences.off) + empty(defaultPreferences.empty) + [
        .text("i2p_address") { _ in "127.0.0.1" }
    ]
    + defaultPreferences.numbers.map { name, value in .integer(name) { _ in value } }
    + [
        .text("proxy_type") { _ in "None" }, .text("torrent_content_layout") { _ in "Original" },
        .text("torrent_stop_condition") { _ in "None" },
        .text("torrent_content_remove_option") { _ in "Delete" },
        .text("web_ui_address") { _ in "*" }, .text("resume_data_storage_type") { _ in "SQLite" },
    ]

extension EncryptionPolicy {
    fileprivate var facadeValue: Int64 {
        switch self {
        case .allow, .prefer: 0
        case .require: 1
        case .off: 2
        }
    }
}

extension ShareLimits.Action {
    fileprivate var facadeValue: Int64 {
        switch self {
        case .stop: 0
        case .remove: 1
        case .superSeed: 2
        case .removeWithFiles: 3
        }
    }
}

extension LimitSchedule {
    /// 0 every day, 1 working days, 2 the week-end, then Monday to Sunday.
    fileprivate var facadeDays: Int64 {
        if self.days == [0, 1, 2, 3, 4] { return 1 }
        if self.days == [5, 6] { return 2 }
        if let only = self.days.first, self.days.count == 1 { return Int64(3 + only) }
        return 0
    }
}
