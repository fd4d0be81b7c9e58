/// What Weir has not, and clients' pages of settings show: what is a switch is off, and a number is that of a new qBittorrent.
let defaultPreferences: (off: [String], empty: [String], numbers: KeyValuePairs<String, Int64>) = (
    off: [
        "confirm_torrent_deletion", "confirm_torrent_recheck", "embedded_tracker_port_forwarding",
        "enable_coalesce_read_write", "enable_upload_suggestions", "file_log_backup_enabled",
        "file_log_delete_old", "file_log_enabled", "i2p_enabled", "i2p_mixed_mode", "ignore_ssl_errors",
        "resolve_peer_countries", "ssl_enabled", "web_ui_secure_cookie_enabled",
    ],
    empty: ["add_trackers_url_list", "dht_bootstrap_nodes", "file_log_path"],
    numbers: [
        "announce_port": 0, "async_io_threads": 10, "auto_delete_mode": 0, "bdecode_depth_limit": 100,
        "bdecode_token_limit": 10000000, "checking_memory_use": 32, "connection_speed": 30,
        "disk_cache": -1, "disk_cache_ttl": 60, "disk_io_read_mode": 1, "disk_io_type": 0,
        "disk_io_write_mode": 1, "disk_queue_size": 1048576, "embedded_tracker_port": 9000,
        "file_log_age": 1, "file_log_max_size": 65, "file_pool_size": 100, "hashing_threads": 1,
        "i2p_inbound_length": 3, "i2p_inbound_quantity": 3, "i2p_outbound_length": 3,
        "i2p_outbound_quantity": 3, "i2p_port": 7656, "max_active_checking_torrents": 1,
        "max_concurrent_http_announces": 50, "memory_working_set_limit": 512, "peer_tos": 4,
        "peer_turnover": 4, "peer_turnover_cutoff": 90, "peer_turnover_interval": 300,
        "request_queue_size": 500, "rss_fetch_delay": 2, "rss_max_articles_per_feed": 50,
        "rss_refresh_interval": 30, "save_resume_data_interval": 60, "save_statistics_interval": 15,
        "send_buffer_low_watermark": 10, "send_buffer_watermark": 500, "send_buffer_watermark_factor": 50,
        "slow_torrent_dl_rate_threshold": 2, "slow_torrent_ul_rate_threshold": 2, "socket_backlog_size": 30,
        "socket_receive_buffer_size": 0, "socket_send_buffer_size": 0, "ssl_listen_port": 0,
        "stop_tracker_timeout": 2, "torrent_file_size_limit": 104857600, "upnp_lease_duration": 0,
    ]
)
