extension VerdictCode {
    /// What a person can do; nil where there is nothing to do but wait.
    public var remedy: String? {
        switch self {
        case .torrentError: "Remove the cause that the error names, then resume the torrent."
        case .diskFull: "Make room, then resume; what was fetched is kept."
        case .diskReadOnly: "Make the folder writable for this user, or choose another one, then resume."
        case .diskFailing: "Look at the system log for the disk, then run `weir verify`."
        case .filesMissing: "Put the files back or mount their disk, then run `weir verify`."
        case .filesChanged: "Restore the file, or run `weir verify` to fetch what differs again."
        case .paused: "Resume the torrent."
        case .queued: "Raise the number of active torrents, or move it up."
        case .lastPiecesOnePeer: "Leave it running: a second holder would help."
        case .limitedByCap: "Raise the download cap if the line has more to give."
        case .diskOverloaded: "Look for other users of the disk, use a faster one, or lower the download cap."
        case .corruptData:
            "Leave it running: liars are banned. If nothing else comes, the swarm itself is bad."
        case .tooManyOpenFiles: "Raise the limit of open files (`ulimit -n`, `LimitNOFILE=`)."
        case .localPortsExhausted: "Lower the number of connections, or widen the range of local ports."
        case .localFirewall: "Allow outgoing TCP for this user in the firewall of this machine."
        case .localFailure: "See the error in the evidence and run `weir doctor`."
        case .noNetwork: "Check the cable, the VPN and the default route; `weir doctor` tests them."
        case .noIPv6Route: "Give this machine IPv6, or wait for peers with IPv4 addresses."
        case .outboundBlocked:
            "Check the firewall, VPN and provider for outgoing TCP; `weir doctor` tests it."
        case .noPeerSource: "Add a tracker, or a peer with `--peer HOST:PORT`."
        case .privateWithoutTracker: "Download the .torrent again from its tracker's site."
        case .dhtNotReady: "Wait a minute; if it stays, UDP is blocked."
        case .nobodyFound: "Wait, or look for the torrent elsewhere: this swarm may be dead."
        case .trackerUnregistered:
            "If you have just uploaded it, wait a minute: it is asked again soon. Else the tracker removed it."
        case .trackerRefusesClient: "Ask the tracker's staff to allow this client."
        case .trackerRefusesAccount:
            "Look at your account on the tracker's site; download the .torrent again."
        case .trackerSaysNo: "Read the tracker's words: they say what it wants."
        case .trackerHTTPError, .trackerBadAnswer: "Wait, or see on the tracker's site whether it is down."
        case .trackerCertificate:
            "Check this machine's clock and CA certificates; else tell the tracker's staff."
        case .trackerNameNotFound:
            "Check the DNS of this machine; if others resolve it not either, it is gone."
        case .trackerTimedOut, .trackerUnreachable:
            "Check the line with `weir doctor`; if it is well, the tracker is down: wait."
        case .trackerBackingOff: "Announce by hand once the tracker is back."
        case .trackerReturnedNone: "Wait, or look for the torrent elsewhere: this swarm may be dead."
        case .onlyOurselves: "Wait for another peer."
        case .noUsableAddress: "Wait for the next announce; if it stays, the tracker hands out rubbish."
        case .connectionLimit: "Raise the connection limits."
        case .allRefused, .allTimedOut:
            "Wait: the peers may be offline. If no torrent connects, run `weir doctor`."
        case .allUnreachable: "Check the route and the VPN; `weir doctor` tests them."
        case .allReset, .allClosedEarly:
            "If the provider blocks BitTorrent, set encryption to \"require\"; else the peers are full or ban us."
        case .handshakesSilent:
            "Wait: the peers hang. If all torrents show it, something on the way eats data."
        case .notBitTorrent: "Check the address of the peer or the proxy; else the tracker hands out rubbish."
        case .peersSpeakPlain: "Set the encryption policy to \"prefer\"."
        case .peersRequireEncryption: "Set the encryption policy to \"prefer\"."
        case .encryptionFailed: "Set the encryption policy to \"off\" to see whether plain connections work."
        case .wrongInfoHash: "Download the .torrent again: this one is not what the peers share."
        case .closedAfterHandshake:
            "Wait: their slots may be full. If it stays, they ban this client or address."
        case .allBanned: "Check the filter rules; a ban for corrupt data ends with the session."
        case .protocolErrors: "Report it with `weir why --json` if the peers are common clients."
        case .nobodyConnects: "Run `weir doctor`: it tests the line, the port and the name server."
        case .everybodyLeft: "Wait: they are tried again."
        case .metadataNotOffered, .metadataRefused: "Wait for a seed, or use the .torrent file."
        case .metadataCorrupt: "Check the magnet link; if it is right, the peers lie: use the .torrent file."
        case .metadataSilent: "Wait for other peers, or use the .torrent file."
        case .noBitfields: "The peers lack the torrent or hang: wait for others."
        case .missingPieces: "Wait for a seed, or look for the torrent elsewhere: this swarm is incomplete."
        case .seedsNotReached:
            "Make the port reachable, so that seeds can come to us; `weir doctor` tests it."
        case .allChoked: "Demand is higher than supply: wait. A reachable port and a higher upload cap help."
        case .chokedNothingGiven:
            "Raise the upload cap and make the port reachable: peers give to those that give."
        case .allRejecting: "Wait: they may be overloaded. If it stays, look for other peers."
        case .requestsTimeOut: "Check the line for loss; lower the download cap if others use it."
        case .peersSilent: "Wait: silent peers are dropped. If all torrents show it, the line hangs."
        case .notInterested, .nothingRequested, .requestsNotServed:
            "This is a defect of ours: report it with `weir why --json`."
        case .uploadCapped: "Raise the upload cap if the line has more to give."
        case .portInUse: "Choose another port with `--port`, or stop the other program."
        case .notListening: "Set a port with `--port`, and see the error in the evidence."
        case .notConnectable:
            "Forward the port in the router, or switch port mapping on; `weir doctor` tests it."
        case .noUploadSlot: "Raise the upload cap for more slots."
        case .readingDisk: "Look for other users of the disk, or use a faster one."
        case .unexplained: "Report it with `weir why --json`."
        case .checking, .nothingWanted, .progressing, .trackerNotAsked, .connecting, .metadataOnTheWay,
            .waitingForBitfields, .waitingForUnchoke, .requestsOnTheWay, .uploading, .nobodyWantsIt,
            .waitingForLeeches, .allPeersSeeds, .nobodyInterested, .nobodyAsks, .peersReadSlowly,
            .aboutToSend:
            nil
        }
    }
}
