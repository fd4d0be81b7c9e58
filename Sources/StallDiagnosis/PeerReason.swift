/// Why nothing moves between us and one peer, or that it does. The raw value is the stable code.
public enum PeerReason: String, Hashable, Sendable, CaseIterable {
    // Not connected.
    case noAddressUsable = "no_address_usable"
    case queued
    case backingOff = "backing_off"
    case dialling
    case handshaking
    case refused
    case unreachable
    case connectTimeout = "connect_timeout"
    case utpFailed = "utp_failed"
    case localFailure = "local_failure"
    case resetBeforeHandshake = "reset_before_handshake"
    case closedBeforeHandshake = "closed_before_handshake"
    case handshakeTimeout = "handshake_timeout"
    case notBitTorrent = "not_bittorrent"
    case encryptionNeeded = "encryption_needed"
    case encryptionRefused = "encryption_refused"
    case encryptionFailed = "encryption_failed"
    case wrongInfoHash = "wrong_info_hash"
    case ownConnection = "own_connection"
    case duplicate
    case closedAfterHandshake = "closed_after_handshake"
    case bothSeeds = "both_seeds"
    case banned
    case bannedForCorruption = "banned_for_corruption"
    case brokeProtocol = "broke_protocol"
    case badMetadata = "bad_metadata"
    case notInTorrent = "not_in_torrent"
    case noPlace = "no_place"
    case wentAway = "went_away"
    case inactive
    case notUseful = "not_useful"
    case weStopped = "we_stopped"

    // Connected, not sending to us.
    case sending
    case metadataUnknown = "metadata_unknown"
    case metadataNotOffered = "metadata_not_offered"
    case metadataRejected = "metadata_rejected"
    case metadataRequested = "metadata_requested"
    case noBitfieldYet = "no_bitfield_yet"
    case nothingWeNeed = "nothing_we_need"
    case weNotInterested = "we_not_interested"
    case choked
    case chokedNothingGiven = "choked_nothing_given"
    case rateLimited = "rate_limited"
    case diskBusy = "disk_busy"
    case snubbed
    case rejecting
    case endGameDuplicate = "end_game_duplicate"
    case socketIdle = "socket_idle"
    case requestsOutstanding = "requests_outstanding"
    case nothingLeftToAsk = "nothing_left_to_ask"
    case nothingRequested = "nothing_requested"

    // Connected, we not sending to it.
    case receiving
    case peerIsSeed = "peer_is_seed"
    case notInterested = "not_interested"
    case noSlot = "no_slot"
    case noRequest = "no_request"
    case capped
    case sendBufferFull = "send_buffer_full"
    case readingDisk = "reading_disk"
    case requestNotServed = "request_not_served"

    public var code: String { self.rawValue }
}

extension PeerReason {
    /// One sentence without numbers.
    public var meaning: String {
        switch self {
        case .noAddressUsable: "The address cannot be a peer: port 0, unspecified or multicast."
        case .queued: "Known, and waits for a place among the connections."
        case .backingOff: "Was connected before; the next attempt waits for its time."
        case .dialling: "A connection is being made."
        case .handshaking: "The transport is there, the handshake is not."
        case .refused: "It answered that nobody listens there: offline, or the port is closed."
        case .unreachable: "There is no way to its network."
        case .connectTimeout: "Nothing answered: a firewall drops us, or it is gone."
        case .utpFailed: "It did not answer over uTP; TCP is next."
        case .localFailure: "This machine could not make the connection."
        case .resetBeforeHandshake: "It reset the connection before its handshake."
        case .closedBeforeHandshake: "It closed the connection before its handshake."
        case .handshakeTimeout: "It accepted the connection and said nothing."
        case .notBitTorrent: "What answers there does not speak BitTorrent."
        case .encryptionNeeded: "It ended a plain connection at once: it likely takes encrypted ones only."
        case .encryptionRefused: "We require encryption, and it speaks plainly."
        case .encryptionFailed: "The encryption could not be agreed on."
        case .wrongInfoHash: "It serves another torrent at that address."
        case .ownConnection: "It is this client itself."
        case .duplicate: "It is connected already, over another address or direction."
        case .closedAfterHandshake: "It closed soon after the handshake: its slots are full, or it bans us."
        case .bothSeeds: "Both sides have everything."
        case .banned: "A rule or a ban keeps this address out."
        case .bannedForCorruption: "It sent data that provably failed the hash check."
        case .brokeProtocol: "It broke the protocol, so we ended the connection."
        case .badMetadata: "Its metadata did not fit the info-hash."
        case .notInTorrent: "It asked for a torrent that is not served here."
        case .noPlace: "There were too many connections."
        case .wentAway: "It was connected and left."
        case .inactive: "It fell silent, and the connection was ended."
        case .notUseful: "We ended the connection to make place for a more useful one."
        case .weStopped: "We ended the connection because the torrent stopped."
        case .sending: "It sends."
        case .metadataUnknown: "It did not say yet whether it can give the metadata."
        case .metadataNotOffered: "It cannot give the metadata."
        case .metadataRejected: "It has no metadata either, or will not give it."
        case .metadataRequested: "The metadata was asked for and has not come yet."
        case .noBitfieldYet: "It did not say what it has."
        case .nothingWeNeed: "It has no piece that we still need."
        case .weNotInterested: "It has what we need, but we did not say that we want it."
        case .choked: "It chokes us: it gives its slots to others."
        case .chokedNothingGiven: "It chokes us, and we have never sent it anything."
        case .rateLimited: "A download cap of ours is used up."
        case .diskBusy: "Our disk is behind."
        case .snubbed: "It lets our requests run out of time."
        case .rejecting: "It rejects our requests."
        case .endGameDuplicate: "It is asked only for blocks that others are asked for too."
        case .socketIdle: "Requests are out, and the line is silent."
        case .requestsOutstanding: "Requests are out, and blocks should come."
        case .nothingLeftToAsk: "Everything that it has is asked of others already."
        case .nothingRequested: "It would send, but nothing is asked of it."
        case .receiving: "It takes what we send."
        case .peerIsSeed: "It has everything, or wants nothing."
        case .notInterested: "It wants nothing of what we have."
        case .noSlot: "It wants data and waits for an upload slot."
        case .noRequest: "It has a slot and asks for nothing."
        case .capped: "An upload cap of ours is used up."
        case .sendBufferFull: "It reads slowly: its receive window is full."
        case .readingDisk: "What it asked for is being read from our disk."
        case .requestNotServed: "It asked, and nothing has been sent yet."
        }
    }

    /// What a person can do; nil where there is nothing to do.
    public var remedy: String? {
        switch self {
        case .queued: "Raise the connection limits if this stays."
        case .unreachable:
            "Check the route, the VPN, and whether this machine has IPv6 if it is an IPv6 address."
        case .localFailure: "See the error: raise the limit of open files, or let the firewall pass."
        case .encryptionNeeded: "Allow encryption: the policy \"prefer\"."
        case .encryptionRefused: "Set the encryption policy to \"prefer\" to take plain peers too."
        case .wrongInfoHash: "If all peers say this, the torrent file is not the one they share."
        case .noPlace: "Raise the connection limits."
        case .metadataNotOffered, .metadataRejected: "Use the .torrent file instead of the magnet link."
        case .chokedNothingGiven: "Raise the upload cap, and make the port reachable."
        case .rateLimited: "Raise the download cap if the line has more to give."
        case .diskBusy, .readingDisk: "Look for other users of the disk, or use a faster one."
        case .weNotInterested, .nothingRequested, .requestNotServed:
            "If this stays, it is a defect: report it with `weir why --json`."
        case .capped: "Raise the upload cap if the line has more to give."
        default: nil
        }
    }
}
