import Digests
import EventIO
import Glibc
import PeerPolicy
import PeerProtocol
import RateControl
import StallDiagnosis
import SwarmCore
import SwarmTypes

/// Connections from their first packet to the handshake, and their end.
extension TorrentEngine {
    private static let redialSeconds = 1.5

    func isOpen(_ connection: PeerConnection) -> Bool { self.connections[connection.number] === connection }

    /// Takes everybody who waits at a listening socket.
    func accept(_ listener: Int) {
        while true {
            switch self.listeners[listener].socket.accept() {
            case .none: return
            case .failed(let failure):
                self.noteLocalFailure(failure)
                self.pauseAccepting(listener)
                return
            case .connection(let socket, let address):
                self.acceptedCount += 1
                guard !self.isBanned(address), self.mayStay() else { continue }
                let machine = HandshakeMachine(
                    incoming: self.settings.encryption, primitives: MessageStreamPrimitives())
                self.begin(socket, address, .incoming, .opening(machine), nil)
            }
        }
    }

    /// Where all places are taken, the longest opening gives way: who means it needs a moment for its handshake, and
    /// who is slow on purpose must not keep others out for the whole time that an opening may take.
    private func mayStay() -> Bool {
        if self.budget.accept(torrentConnections: 0) { return true }
        var oldest: PeerConnection?
        for number in self.openings {
            guard let connection = self.connections[number], connection.direction == .incoming else {
                continue
            }
            if oldest.map({ connection.startedAt < $0.startedAt }) ?? true { oldest = connection }
        }
        guard let oldest else { return false }
        self.close(oldest, .tooManyConnections)
        return self.budget.accept(torrentConnections: 0)
    }

    func dial(_ address: PeerAddress, for torrent: ActiveTorrent, encryption: EncryptionPolicy) {
        torrent.ledger.dialling(address, at: self.now)
        do throws(SystemCallFailure) {
            let socket = try StreamSocket.connect(to: address)
            let number = self.begin(socket, address, .outgoing, .dialling, torrent)
            self.connections[number]?.dialEncryption = encryption
            self.connections[number]?.isDial = true
        } catch {
            self.dialEnded(torrent, connected: false)
            self.dialFailed(address, torrent, PeerConnection.reason(error))
            torrent.ledger.closed(address, PeerConnection.reason(error), at: self.now)
            self.noteLocalFailure(error)
        }
    }

    @discardableResult
    private func begin(
        _ socket: consuming StreamSocket, _ address: PeerAddress, _ direction: ConnectionDirection,
        _ phase: PeerConnection.Phase, _ torrent: ActiveTorrent?
    ) -> Int {
        socket.setNoDelay()
        let number = self.freeNumbers.popLast() ?? self.connections.count
        if number == self.connections.count { self.connections.append(nil) }
        let connection = PeerConnection(
            number: number, socket: socket, address: address, direction: direction, phase: phase, at: self.now
        )
        connection.torrent = torrent
        connection.isCounted = direction == .incoming
        self.connections[number] = connection
        self.connectionCount += 1
        self.openings.insert(number)
        if case .opening = phase { self.startOpening(connection) }
        self.updateInterest(connection)
        self.armTick()
        return number
    }

    /// Called by the loop.
    func ready(_ number: Int, _ readiness: Readiness) {
        self.now = self.loop.now
        guard number < self.connections.count, let connection = self.connections[number] else { return }
        if case .dialling = connection.phase { return self.dialled(connection) }
        // Of a connection that is not read, the loop would tell it again and again.
        if connection.isHeldByWaking, readiness.contains(.hungUp) {
            return self.close(connection, connection.endReason)
        }
        if readiness.contains(.writable) { self.pump(connection) }
        guard self.isOpen(connection) else { return }
        if !readiness.isDisjoint(with: [.readable, .hungUp]) { self.readable(connection) }
    }

    private func dialled(_ connection: PeerConnection) {
        if let failure = connection.socket.connectionFailure {
            return self.close(connection, PeerConnection.reason(failure))
        }
        guard let torrent = connection.torrent else { return self.close(connection, .torrentRemoved) }
        torrent.ledger.connected(connection.address, direction: .outgoing, at: self.now)
        connection.phase = .opening(
            HandshakeMachine(
                outgoing: self.handshake(for: torrent), policy: connection.dialEncryption,
                primitives: MessageStreamPrimitives()))
        self.startOpening(connection)
        self.updateInterest(connection)
    }

    private func handshake(for torrent: ActiveTorrent) -> Handshake {
        Handshake(
            infoHash: torrent.core.id, peerID: torrent.core.ownID, supportsFast: true,
            supportsExtensions: true,
            supportsDHT: false)
    }

    private func startOpening(_ connection: PeerConnection) {
        guard case .opening(var machine) = connection.phase else { return }
        var actions: [HandshakeAction] = []
        machine.start(at: self.now, using: &self.random, into: &actions)
        self.perform(actions, machine, connection)
    }

    func receivedOpening(_ bytes: UnsafeRawBufferPointer, on connection: PeerConnection) {
        guard case .opening(var machine) = connection.phase else { return }
        var actions: [HandshakeAction] = []
        // One owner while it changes.
        connection.phase = .dialling
        machine.received(Span(_unsafeBytes: bytes), into: &actions)
        self.perform(actions, machine, connection)
    }

    /// The handshake's time is up.
    func openingTimedOut(_ connection: PeerConnection) {
        switch connection.phase {
        case .dialling: self.close(connection, .connectTimeout)
        case .opening(var machine):
            var actions: [HandshakeAction] = []
            machine.timerFired(at: self.now, into: &actions)
            self.perform(actions, machine, connection)
        case .open: break
        }
    }

    /// The other side, or the network, has ended the connection. Under the handshake, with encryption tried in vain, a plain
    /// dial may follow.
    func ended(_ connection: PeerConnection, _ reason: CloseReason) {
        guard case .opening(var machine) = connection.phase else { return self.close(connection, reason) }
        var actions: [HandshakeAction] = []
        machine.disconnected(reason, into: &actions)
        guard !actions.isEmpty else { return self.close(connection, reason) }
        self.perform(actions, machine, connection)
    }

    private func perform(
        _ actions: [HandshakeAction], _ machine: HandshakeMachine<MessageStreamPrimitives>,
        _ connection: PeerConnection
    ) {
        var machine = machine
        var queue = actions[...]
        while let action = queue.popFirst(), self.isOpen(connection) {
            switch action {
            case .send(let bytes):
                connection.control += bytes
            case .lookUp(let lookUp):
                let id = self.torrent(for: lookUp)
                if let id, self.isAsleep(id) {
                    connection.phase = .opening(machine)
                    return self.hold(connection, untilAwake: id)
                }
                var more: [HandshakeAction] = []
                self.identify(connection, as: id.flatMap { self.torrents[$0] }, &machine, into: &more)
                queue += more
            case .established(let introduction):
                self.established(connection, introduction, machine)
                return
            case .redialPlain(let reason):
                self.redial(connection, reason, .off)
                return
            case .failed(.ownConnection):
                self.foundOurselves(connection)
                return
            case .failed(let reason):
                let isRefusal = reason == .closedBeforeHandshake || reason == .resetBeforeHandshake
                if isRefusal, self.settings.encryption == .allow, connection.dialEncryption == .off,
                    connection.isDial
                {
                    self.redial(connection, reason, .require)
                } else {
                    self.close(connection, reason)
                }
                return
            }
        }
        guard self.isOpen(connection) else { return }
        connection.phase = .opening(machine)
        self.pump(connection)
    }

    /// The peer does not seem to take what we began with: encryption, or its lack. It is dialled once more the other way, as
    /// part of the same dial; not at once, because some clients take one connection an address at a time and are not
    /// done with this one.
    private func redial(_ connection: PeerConnection, _ reason: CloseReason, _ encryption: EncryptionPolicy) {
        let (address, id) = (connection.address, connection.torrent?.core.id)
        connection.isDial = false
        self.close(connection, reason, isNoted: false)
        guard let id else { return }
        self.loop.schedule(afterSeconds: Self.redialSeconds) { [weak self] in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id] else { return }
                if torrent.isRunning {
                    engine.dial(address, for: torrent, encryption: encryption)
                } else {
                    engine.dialEnded(torrent, connected: false)
                }
            }
        }
    }

    private func torrent(for lookUp: TorrentLookUp) -> TorrentID? {
        switch lookUp {
        case .infoHash(let id): id
        case .obfuscated(let obfuscated): self.obfuscated[obfuscated]
        }
    }

    /// A peer asks for a torrent that sleeps: nothing is read from it until the torrent is awake.
    private func hold(_ connection: PeerConnection, untilAwake id: TorrentID) {
        connection.isHeldByWaking = true
        self.updateInterest(connection)
        self.wake(id, for: .connection(connection))
    }

    /// The torrent is awake, or cannot wake.
    func release(_ connection: PeerConnection, to torrent: ActiveTorrent?) {
        // Its time may have been up.
        guard self.isOpen(connection), case .opening(var machine) = connection.phase else { return }
        connection.isHeldByWaking = false
        var actions: [HandshakeAction] = []
        self.identify(connection, as: torrent, &machine, into: &actions)
        self.perform(actions, machine, connection)
        if self.isOpen(connection) { self.updateInterest(connection) }
    }

    private func identify(
        _ connection: PeerConnection, as torrent: ActiveTorrent?,
        _ machine: inout HandshakeMachine<MessageStreamPrimitives>, into actions: inout [HandshakeAction]
    ) {
        let torrent = torrent.flatMap { $0.isRunning ? $0 : nil }
        connection.torrent = torrent
        torrent?.ledger.connected(connection.address, direction: .incoming, at: self.now)
        machine.identified(as: torrent.map { self.handshake(for: $0) }, into: &actions)
    }

    private func established(
        _ connection: PeerConnection, _ introduction: Introduction,
        _ machine: HandshakeMachine<MessageStreamPrimitives>
    ) {
        guard let torrent = connection.torrent, torrent.isRunning else {
            return self.close(connection, .notInTorrent)
        }
        let facts = PeerFacts(
            address: connection.address, direction: connection.direction, id: introduction.peerID,
            supportsFast: introduction.supportsFast, supportsExtensions: introduction.supportsExtensions,
            isEncrypted: introduction.encryption != .plain)
        torrent.ledger.reached(.handshaken, by: connection.address, at: self.now)
        self.openings.remove(connection.number)
        if connection.isDial {
            connection.isDial = false
            connection.isCounted = true
            self.dialEnded(torrent, connected: true)
        }
        if let ciphers = machine.ciphers {
            connection.incomingCipher = ciphers.incoming
            connection.outgoingCipher = ciphers.outgoing
        }
        connection.phase = .open
        connection.scanner = FrameScanner(
            pieceCount: torrent.core.geometry?.pieceCount, supportsFast: introduction.supportsFast)
        switch torrent.core.join(facts, at: self.now, into: &torrent.actions) {
        case .failure(let refusal):
            self.close(connection, refusal.reason)
        case .success(let slot):
            connection.slot = slot
            torrent.attach(connection, at: slot)
            connection.uploadLeaf = self.uploads.addNode(below: torrent.uploadNode, at: self.now)
            connection.downloadLeaf = self.downloads.addNode(below: torrent.downloadNode, at: self.now)
            if let leaf = connection.uploadLeaf { self.uploaders[leaf] = connection.number }
            if let leaf = connection.downloadLeaf { self.downloaders[leaf] = connection.number }
            self.performActions(of: torrent)
            if !introduction.leftover.isEmpty, self.isOpen(connection) {
                self.receivedLeftover(introduction.leftover, on: connection)
            }
        }
        if self.isOpen(connection) { self.pump(connection) }
    }

    /// We have dialled ourselves: the address is not dialled again. The end that was dialled knows it first.
    private func foundOurselves(_ connection: PeerConnection) {
        if connection.direction == .outgoing {
            self.ownAddresses.found(connection.address)
        } else {
            self.ownConnectionCount += 1
            // Behind a router that turns us back the other end is not to be recognised by its address, but by itself: it
            // must see whom it has reached.
            self.pump(connection)
            self.closeOtherEnd(of: connection)
        }
        self.close(connection, .ownConnection)
    }

    private func closeOtherEnd(of connection: PeerConnection) {
        for number in self.openings {
            guard let other = self.connections[number], other.direction == .outgoing,
                other.socket.localAddress == connection.address
            else { continue }
            self.ownAddresses.found(other.address)
            self.close(other, .ownConnection)
        }
    }

    /// Ends a connection that the swarm still knows, or never knew.
    func close(_ connection: PeerConnection, _ reason: CloseReason, isNoted: Bool = true) {
        guard self.isOpen(connection) else { return }
        self.forget(connection)
        guard let torrent = connection.torrent else { return }
        self.noteStage(of: connection, torrent)
        if isNoted { torrent.ledger.closed(connection.address, reason, at: self.now) }
        if isNoted, connection.slot == nil, connection.direction == .outgoing {
            self.dialFailed(connection.address, torrent, reason)
        }
        guard let slot = connection.slot else { return }
        torrent.detach(connection)
        torrent.core.leave(slot, because: reason, at: self.now, into: &torrent.actions)
        self.performActions(of: torrent)
    }

    /// Ends a connection that the swarm has forgotten already.
    func end(_ connection: PeerConnection, _ torrent: ActiveTorrent, _ reason: CloseReason) {
        torrent.detach(connection)
        // What was said last may still tell the peer why.
        self.pump(connection)
        guard self.isOpen(connection) else { return }
        self.forget(connection)
        torrent.ledger.closed(connection.address, reason, at: self.now)
    }

    private func forget(_ connection: PeerConnection) {
        self.loop.unwatch(connection.socket.descriptor)
        self.connections[connection.number] = nil
        self.freeNumbers.append(connection.number)
        self.connectionCount -= 1
        self.openings.remove(connection.number)
        if connection.isDial, let torrent = connection.torrent { self.dialEnded(torrent, connected: false) }
        if connection.isCounted { self.budget.connectionEnded() }
        connection.isDial = false
        connection.isCounted = false
        self.returnUploadCredit(connection)
        // What it may still have read was never received.
        self.giveBackDownload(connection)
        if let leaf = connection.uploadLeaf {
            self.uploaders[leaf] = nil
            self.uploads.remove(leaf)
        }
        if let leaf = connection.downloadLeaf {
            self.downloaders[leaf] = nil
            self.downloads.remove(leaf)
        }
        connection.uploadLeaf = nil
        connection.downloadLeaf = nil
    }

    /// Watches what the connection can use now.
    func updateInterest(_ connection: PeerConnection) {
        guard self.isOpen(connection) else { return }
        var wanted: Readiness = []
        if case .dialling = connection.phase {
            wanted = .writable
        } else {
            if !connection.isHeldByLimit, !connection.isHeldByDisk, !connection.isHeldByWaking {
                wanted.insert(.readable)
            }
            if connection.hasControl || connection.sending != nil { wanted.insert(.writable) }
        }
        guard wanted != connection.interest || !connection.isWatched else { return }
        do throws(SystemCallFailure) {
            if connection.isWatched {
                try self.loop.modify(connection.socket.descriptor, for: wanted)
            } else {
                let number = connection.number
                try self.loop.watch(connection.socket.descriptor, for: wanted) { [unowned self] readiness in
                    self.assumeIsolated { $0.ready(number, readiness) }
                }
                connection.isWatched = true
            }
            connection.interest = wanted
        } catch {
            self.close(connection, .localFailure(code: error.code))
        }
    }
}
