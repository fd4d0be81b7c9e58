/// What people may want to be told of. The names are those of the configuration and of the messages.
public enum NoticeKind: String, CaseIterable, Hashable, Sendable {
    case instanceDown = "instance_down"
    case instanceUp = "instance_up"
    case capExceeded = "cap_exceeded"
    case torrentComplete = "torrent_complete"
    case torrentTrouble = "torrent_trouble"
    case diskFull = "disk_full"
    case recordFailed = "record_failed"
    case configurationRefused = "configuration_refused"
    case rollback
    case otherGovernor = "other_governor"
    case test
}

extension NoticeKind {
    public enum Urgency: Hashable, Sendable { case low, normal, high }

    public var urgency: Urgency {
        switch self {
        case .instanceUp, .torrentComplete, .test: .low
        case .capExceeded, .torrentTrouble, .rollback: .normal
        case .instanceDown, .diskFull, .recordFailed, .configurationRefused, .otherGovernor: .high
        }
    }

    /// In plain ASCII, because it may travel as a header.
    func title(count: Int) -> String {
        switch self {
        case .instanceDown:
            count == 1 ? "A qBittorrent does not answer" : "\(count) qBittorrents do not answer"
        case .instanceUp: count == 1 ? "A qBittorrent is back" : "\(count) qBittorrents are back"
        case .capExceeded:
            count == 1 ? "A tracker is above its cap" : "\(count) trackers are above their caps"
        case .torrentComplete: count == 1 ? "A torrent is complete" : "\(count) torrents are complete"
        case .torrentTrouble: count == 1 ? "A torrent is in trouble" : "\(count) torrents are in trouble"
        case .diskFull: "A disk is full"
        case .recordFailed: "Weir cannot write its record"
        case .configurationRefused: "The new configuration was refused; the running one stays"
        case .rollback: "The limits were rolled back"
        case .otherGovernor: "Somebody else changes limits"
        case .test: "Weir can reach you"
        }
    }

    /// The same words are not told again within this time.
    var repeatSeconds: Double {
        switch self {
        case .recordFailed, .otherGovernor, .diskFull: 3600
        default: 0
        }
    }
}
