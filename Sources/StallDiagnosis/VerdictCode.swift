/// What a torrent as a whole is waiting for. The raw value is the stable code.
public enum VerdictCode: String, Hashable, Sendable, CaseIterable {
    // It was stopped, or cannot go on.
    case torrentError = "torrent_error"
    case diskFull = "disk_full"
    case diskReadOnly = "disk_read_only"
    case diskFailing = "disk_failing"
    case filesMissing = "files_missing"
    case filesChanged = "files_changed"
    case paused
    case queued
    case checking
    case nothingWanted = "nothing_wanted"

    // It moves, or only we hold it back.
    case progressing
    case limitedByCap = "limited_by_cap"
    case diskOverloaded = "disk_overloaded"
    case corruptData = "corrupt_data"
    case lastPiecesOnePeer = "last_pieces_one_peer"

    // This machine or its line.
    case tooManyOpenFiles = "too_many_open_files"
    case localPortsExhausted = "local_ports_exhausted"
    case localFirewall = "local_firewall"
    case localFailure = "local_failure"
    case noNetwork = "no_network"
    case noIPv6Route = "no_ipv6_route"
    case outboundBlocked = "outbound_blocked"

    // Nobody is known.
    case noPeerSource = "no_peer_source"
    case privateWithoutTracker = "private_without_tracker"
    case dhtNotReady = "dht_not_ready"
    case nobodyFound = "nobody_found"
    case trackerNotAsked = "tracker_not_asked"
    case trackerUnregistered = "tracker_unregistered"
    case trackerRefusesClient = "tracker_refuses_client"
    case trackerRefusesAccount = "tracker_refuses_account"
    case trackerSaysNo = "tracker_says_no"
    case trackerHTTPError = "tracker_http_error"
    case trackerBadAnswer = "tracker_bad_answer"
    case trackerCertificate = "tracker_certificate"
    case trackerNameNotFound = "tracker_name_not_found"
    case trackerTimedOut = "tracker_timed_out"
    case trackerUnreachable = "tracker_unreachable"
    case trackerBackingOff = "tracker_backing_off"
    case trackerReturnedNone = "tracker_returned_none"

    // Peers are known, none is connected.
    case onlyOurselves = "only_ourselves"
    case noUsableAddress = "no_usable_address"
    case connectionLimit = "connection_limit"
    case connecting
    case allRefused = "all_refused"
    case allUnreachable = "all_unreachable"
    case allTimedOut = "all_timed_out"
    case allReset = "all_reset"
    case allClosedEarly = "all_closed_early"
    case handshakesSilent = "handshakes_silent"
    case notBitTorrent = "not_bittorrent"
    case peersSpeakPlain = "peers_speak_plain"
    case peersRequireEncryption = "peers_require_encryption"
    case encryptionFailed = "encryption_failed"
    case wrongInfoHash = "wrong_info_hash"
    case closedAfterHandshake = "closed_after_handshake"
    case allBanned = "all_banned"
    case protocolErrors = "protocol_errors"
    case nobodyConnects = "nobody_connects"
    case everybodyLeft = "everybody_left"

    // A magnet link without metadata.
    case metadataNotOffered = "metadata_not_offered"
    case metadataRefused = "metadata_refused"
    case metadataCorrupt = "metadata_corrupt"
    case metadataSilent = "metadata_silent"
    case metadataOnTheWay = "metadata_on_the_way"

    // Connected, and nothing comes.
    case waitingForBitfields = "waiting_for_bitfields"
    case noBitfields = "no_bitfields"
    case missingPieces = "missing_pieces"
    case seedsNotReached = "seeds_not_reached"
    case notInterested = "not_interested"
    case waitingForUnchoke = "waiting_for_unchoke"
    case allChoked = "all_choked"
    case chokedNothingGiven = "choked_nothing_given"
    case allRejecting = "all_rejecting"
    case requestsTimeOut = "requests_time_out"
    case peersSilent = "peers_silent"
    case nothingRequested = "nothing_requested"
    case requestsOnTheWay = "requests_on_the_way"

    // Seeding.
    case uploading
    case uploadCapped = "upload_capped"
    case portInUse = "port_in_use"
    case notListening = "not_listening"
    case notConnectable = "not_connectable"
    case nobodyWantsIt = "nobody_wants_it"
    case waitingForLeeches = "waiting_for_leeches"
    case allPeersSeeds = "all_peers_seeds"
    case nobodyInterested = "nobody_interested"
    case noUploadSlot = "no_upload_slot"
    case nobodyAsks = "nobody_asks"
    case peersReadSlowly = "peers_read_slowly"
    case readingDisk = "reading_disk"
    case aboutToSend = "about_to_send"
    case requestsNotServed = "requests_not_served"

    case unexplained

    public var code: String { self.rawValue }
}

extension VerdictCode {
    public var severity: Severity {
        switch self {
        case .paused, .queued, .checking, .nothingWanted, .progressing, .limitedByCap, .trackerNotAsked,
            .connecting, .metadataOnTheWay, .waitingForBitfields, .waitingForUnchoke, .requestsOnTheWay,
            .uploading, .uploadCapped, .nobodyWantsIt, .waitingForLeeches, .allPeersSeeds, .nobodyInterested,
            .noUploadSlot, .nobodyAsks, .peersReadSlowly, .aboutToSend:
            .expected
        case .diskOverloaded, .lastPiecesOnePeer, .dhtNotReady, .nobodyFound, .trackerBackingOff,
            .trackerReturnedNone, .onlyOurselves, .connectionLimit, .everybodyLeft, .metadataNotOffered,
            .metadataRefused, .seedsNotReached, .readingDisk:
            .watch
        default: .problem
        }
    }
}
