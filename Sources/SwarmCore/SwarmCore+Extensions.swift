import PeerPolicy
import PeerProtocol
import PieceSelection
import StallDiagnosis
public import SwarmTypes
import TrackerProtocol

/// Extension messages (BEP 10): who we are, metadata (BEP 9), peer exchange (BEP 11).
extension SwarmCore {
    var exchangesPeers: Bool { self.settings.exchangesPeers && !self.isPrivate }

    func extensionHandshake(for facts: PeerFacts) -> [UInt8] {
        ExtensionHandshake(
            extensions: self.exchangesPeers ? [.metadata, .peerExchange] : [.metadata],
            clientName: self.settings.clientText, listenPort: self.settings.listeningPort,
            requestQueue: self.settings.requestQueueLimit, yourAddress: facts.address,
            metadataSize: self.metadataSize, isUploadOnly: self.isFinished
        ).payload
    }

    mutating func receivedExtended(
        _ id: UInt8, _ payload: [UInt8], from slot: PeerSlot, at now: Instant,
        into actions: inout [SwarmAction]
    ) {
        guard let message = ExtensionMessage(id: id, payload: payload) else {
            return self.close(slot, .badExtensionMessage, at: now, into: &actions)
        }
        switch message {
        case .handshake(let handshake): self.receivedHandshake(handshake, from: slot, at: now, into: &actions)
        case .metadata(let message): self.receivedMetadata(message, from: slot, at: now, into: &actions)
        case .peerExchange(let message): self.receivedContacts(message, from: slot, at: now, into: &actions)
        case .dontHave(let piece):
            // Each costs a look at all of its pieces.
            self.peers[slot.index]?.lostCount += 1
            if let count = self.peers[slot.index]?.lostCount, count > Self.mostLostPieces {
                return self.close(slot, .badExtensionMessage, at: now, into: &actions)
            }
            if self.peers[slot.index]?.claim == .counted, let has = self.peers[slot.index]?.has,
                piece < UInt32(has.count),
                self.peers[slot.index]?.has.clear(Int(piece)) == true
            {
                self.peers[slot.index]?.isSeed = false
                self.rejoin(slot)
                self.updateInterest(slot, at: now, into: &actions)
            }
        case .unknown: break
        }
    }

    /// Of one peer, before it is cut: one whose disk fails loses some, and then all.
    static let mostLostPieces = 256

    /// The picker knows of no peer that loses a piece: it leaves and comes again.
    private mutating func rejoin(_ slot: PeerSlot) {
        guard let peer = self.peers[slot.index], self.picker != nil else { return }
        self.withdrawAll(slot)
        self.picker?.peerLeft(slot)
        self.picker?.peerJoined(slot, key: peer.key)
        self.picker?.peerHas(slot, peer.has)
    }

    private mutating func receivedHandshake(
        _ handshake: ExtensionHandshake, from slot: PeerSlot, at now: Instant,
        into actions: inout [SwarmAction]
    ) {
        self.peers[slot.index]?.extensions.update(with: handshake)
        if let limit = handshake.requestQueue { self.peers[slot.index]?.pipeline.setPeerLimit(limit) }
        if let port = handshake.listenPort {
            self.peers[slot.index]?.listeningPort = port
            if let peer = self.peers[slot.index], peer.facts.direction == .incoming {
                self.book.setListenPort(port, of: peer.key)
            }
        }
        if let isUploadOnly = handshake.isUploadOnly {
            self.peers[slot.index]?.isUploadOnly = isUploadOnly
            self.closeIfUseless(slot, at: now, into: &actions)
        }
        guard self.peers[slot.index] != nil, self.geometry == nil, let size = handshake.metadataSize,
            handshake.number(of: .metadata) != nil
        else { return }
        self.judge(self.metadata.announced(size: size, by: slot, at: now), slot, at: now, into: &actions)
        self.askForMetadata(at: now, into: &actions)
    }

    private mutating func receivedMetadata(
        _ message: MetadataMessage, from slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        switch message {
        case .request(let piece): self.receivedMetadataRequest(piece, from: slot, into: &actions)
        case .data(let piece, let totalSize, let bytes):
            guard self.geometry == nil else { return }
            self.peers[slot.index]?.metadataAskedAt = nil
            self.peers[slot.index]?.hasRejectedMetadata = false
            let outcome = self.metadata.received(
                piece: piece, totalSize: totalSize, bytes: bytes, from: slot, at: now)
            self.judge(outcome, slot, at: now, into: &actions)
            self.askForMetadata(at: now, into: &actions)
        case .reject(let piece):
            self.peers[slot.index]?.hasRejectedMetadata = true
            self.metadata.rejected(piece: piece, by: slot, at: now)
        case .unknown: break
        }
    }

    /// It is no payload, and no limit of uploads holds it: a peer gets all of it some times, and then no more.
    private mutating func receivedMetadataRequest(
        _ piece: Int, from slot: PeerSlot, into actions: inout [SwarmAction]
    ) {
        self.peers[slot.index]?.metadataRequests += 1
        let most = Self.metadataRounds * MetadataPieces.count(size: self.metadataSize ?? 0)
        if let count = self.peers[slot.index]?.metadataRequests, count > most {
            self.give(metadataPiece: piece, nil, totalSize: 0, to: slot, into: &actions)
        } else {
            actions.append(.giveMetadata(slot, piece: piece))
        }
    }

    static let metadataRounds = 4

    private mutating func judge(
        _ outcome: MetadataAssembler<PeerSlot>.Outcome, _ slot: PeerSlot, at now: Instant,
        into actions: inout [SwarmAction]
    ) {
        switch outcome {
        case .accepted: break
        case .complete(let bytes): actions.append(.metadataReceived(bytes))
        case .refused(let reason): self.close(slot, reason, at: now, into: &actions)
        }
    }

    /// Asks every peer that has the metadata for what is missing of it.
    mutating func askForMetadata(at now: Instant, into actions: inout [SwarmAction]) {
        guard self.geometry == nil else { return }
        for slot in self.occupiedSlots {
            guard let number = self.peers[slot.index]?.extensions.number(of: .metadata) else { continue }
            for piece in self.metadata.requests(for: slot, at: now) {
                if self.peers[slot.index]?.metadataAskedAt == nil {
                    self.peers[slot.index]?.metadataAskedAt = now
                }
                actions.append(
                    .send(slot, .extended(id: number, payload: MetadataMessage.request(piece: piece).payload))
                )
            }
        }
    }

    /// The metadata of a magnet link says that the torrent is private: whoever only other peers have named is no peer of
    /// ours (BEP 27).
    public mutating func becomePrivate(at now: Instant, into actions: inout [SwarmAction]) {
        self.isPrivate = true
        for slot in self.occupiedSlots {
            guard let peer = self.peers[slot.index], self.book.peer(peer.key)?.sources == .exchange else {
                continue
            }
            self.close(slot, .notInTorrent, at: now, into: &actions)
        }
        self.book.forget(from: .exchange)
    }

    /// The hash of what `metadataReceived` gave was wrong.
    public mutating func metadataFailed(at now: Instant, into actions: inout [SwarmAction]) {
        let liars = self.metadata.hashFailed(at: now)
        if liars.count == 1 { self.close(liars[0], .badMetadata, at: now, into: &actions) }
        self.askForMetadata(at: now, into: &actions)
    }

    /// Answers a peer's request for a piece of the metadata; nil for bytes says no.
    public mutating func give(
        metadataPiece piece: Int, _ bytes: ArraySlice<UInt8>?, totalSize: Int, to slot: PeerSlot,
        into actions: inout [SwarmAction]
    ) {
        guard slot.index < self.peers.count,
            let number = self.peers[slot.index]?.extensions.number(of: .metadata)
        else { return }
        let message: MetadataMessage =
            bytes.map { .data(piece: piece, totalSize: totalSize, bytes: $0) } ?? .reject(piece: piece)
        actions.append(.send(slot, .extended(id: number, payload: message.payload)))
    }

    private mutating func receivedContacts(
        _ message: PeerExchangeMessage, from slot: PeerSlot, at now: Instant,
        into actions: inout [SwarmAction]
    ) {
        switch self.peers[slot.index]?.exchange.received(at: now) {
        case .use:
            guard self.exchangesPeers else { return }
            let own = self.peers[slot.index]?.facts.address
            let named = message.added.map(\.address).filter { own?.mayName($0) ?? false }
            actions.append(.heardOf(named))
        case .close(let reason): self.close(slot, reason, at: now, into: &actions)
        case .ignore, nil: break
        }
    }

    /// Tells each peer, once a minute, whom else we are connected with.
    mutating func exchangePeers(at now: Instant, into actions: inout [SwarmAction]) {
        guard self.exchangesPeers else { return }
        var contacts: [PeerContact]?
        for slot in self.occupiedSlots {
            guard let due = self.peers[slot.index]?.exchange.nextDeadline, due <= now,
                let number = self.peers[slot.index]?.extensions.number(of: .peerExchange)
            else { continue }
            let all = contacts ?? self.contacts()
            contacts = all
            let own = self.peers[slot.index]?.dialAddress
            let others = all.filter { $0.address != own }
            guard let message = self.peers[slot.index]?.exchange.message(connected: others, at: now) else {
                continue
            }
            actions.append(.send(slot, .extended(id: number, payload: message.payload)))
        }
    }

    private func contacts() -> [PeerContact] {
        self.peers.compactMap { peer in
            guard let peer, let address = peer.dialAddress else { return nil }
            var flags: PeerExchangeFlags = peer.facts.direction == .outgoing ? [.isReachable] : []
            if peer.isSeed || peer.isUploadOnly { flags.insert(.uploadOnly) }
            return PeerContact(address, flags: flags)
        }
    }
}
