import PeerPolicy
import PeerProtocol
import StallDiagnosis
import SwarmCore
public import SwarmTypes

/// Connections from their first packet to the handshake, and their end.
extension EngineHost {
    public func answer(_ dialler: PeerAddress) -> DialAnswer {
        if self.isFirewalled { return .nothing }
        return self.isRunning ? .accept : .refuse
    }

    static let maximumConnections = 500
    private static let redialSeconds = 1.5

    var peersOrOpenings: Int { self.connections.count { $0 != nil } }

    func dialCandidates() {
        guard self.isRunning else { return }
        let own = self.peersOrOpenings
        let free = min(self.core.settings.maximumPeers, Self.maximumConnections - self.otherConnections) - own
        let keys = self.core.book.candidates(
            free, ownAddress: nil, weAreSeed: self.core.isFinished, at: self.now, using: &self.random)
        for key in keys {
            guard let address = self.core.book.address(of: key) else { continue }
            self.core.book.startedDialling(key)
            self.dial(address, self.encryption)
        }
    }

    func dial(_ address: PeerAddress, _ encryption: EncryptionPolicy) {
        self.ledger.dialling(address, at: self.now)
        let connection = self.begin(address, isOutgoing: true, encryption)
        if let code = self.dialFailure { return self.close(connection, .localFailure(code: code)) }
        self.world.dial(address, from: self)
    }

    private func begin(_ address: PeerAddress, isOutgoing: Bool, _ encryption: EncryptionPolicy)
        -> EngineConnection
    {
        let connection = EngineConnection(
            number: self.connections.count, address: address, isOutgoing: isOutgoing,
            dialEncryption: encryption,
            at: self.now)
        self.connections.append(connection)
        return connection
    }

    public func dialled(_ address: PeerAddress, _ result: Result<ConnectionEnd, DialFailure>) {
        let dialling = self.connections.first { connection in
            if case .dialling? = connection?.phase { connection?.address == address } else { false }
        }
        guard let connection = dialling ?? nil else {
            // It was given up meanwhile.
            if case .success(let end) = result { self.world.close(end, isReset: true) }
            return
        }
        switch result {
        case .failure(let failure): self.close(connection, failure.reason)
        case .success(let end):
            self.attach(end, to: connection)
            self.ledger.connected(address, direction: .outgoing, at: self.now)
            let machine = HandshakeMachine(
                outgoing: self.handshake, policy: connection.dialEncryption, primitives: ToyEncryption())
            self.open(connection, machine)
        }
    }

    public func accepted(_ end: ConnectionEnd) {
        self.hadIncoming = true
        let connection = self.begin(end.remoteAddress, isOutgoing: false, .off)
        self.attach(end, to: connection)
        self.open(connection, HandshakeMachine(incoming: self.encryption, primitives: ToyEncryption()))
    }

    private func attach(_ end: ConnectionEnd, to connection: EngineConnection) {
        end.tag = connection.number
        connection.end = end
    }

    private var handshake: Handshake {
        Handshake(infoHash: self.core.id, peerID: self.core.ownID, supportsFast: self.supportsFast)
    }

    private func open(_ connection: EngineConnection, _ machine: HandshakeMachine<ToyEncryption>) {
        var (machine, actions) = (machine, [HandshakeAction]())
        machine.start(at: self.now, using: &self.random, into: &actions)
        self.perform(actions, machine, connection)
    }

    func receivedOpening(_ bytes: [UInt8], _ connection: EngineConnection) {
        guard case .opening(var machine) = connection.phase else { return }
        var actions: [HandshakeAction] = []
        machine.received(bytes.span, into: &actions)
        self.perform(actions, machine, connection)
    }

    func openingTimedOut(_ connection: EngineConnection) {
        guard case .opening(var machine) = connection.phase else {
            return self.close(connection, .connectTimeout)
        }
        var actions: [HandshakeAction] = []
        machine.timerFired(at: self.now, into: &actions)
        self.perform(actions, machine, connection)
    }

    public func ended(_ end: ConnectionEnd, isReset: Bool) {
        guard let connection = self.connection(of: end) else { return }
        guard case .opening(var machine) = connection.phase else {
            return self.close(connection, isReset ? .resetByPeer : .closedByPeer)
        }
        var actions: [HandshakeAction] = []
        machine.disconnected(isReset ? .resetBeforeHandshake : .closedBeforeHandshake, into: &actions)
        self.perform(actions, machine, connection)
    }

    private func perform(
        _ actions: [HandshakeAction], _ machine: HandshakeMachine<ToyEncryption>,
        _ connection: EngineConnection
    ) {
        var machine = machine
        var queue = actions[...]
        while let action = queue.popFirst(), let end = connection.end {
            switch action {
            case .send(let bytes): self.world.send(.bytes(bytes), on: end)
            case .lookUp(let lookUp):
                self.ledger.connected(connection.address, direction: .incoming, at: self.now)
                var more: [HandshakeAction] = []
                machine.identified(as: self.isOurs(lookUp) ? self.handshake : nil, into: &more)
                queue += more
            case .established(let introduction): return self.established(connection, introduction)
            case .redialPlain(let reason):
                self.close(connection, reason, isNoted: false)
                return self.world.fire(
                    .redial(connection.address), of: self, afterSeconds: Self.redialSeconds)
            case .failed(let reason): return self.close(connection, reason)
            }
        }
        if self.isOpen(connection) { connection.phase = .opening(machine) }
    }

    private func isOurs(_ lookUp: TorrentLookUp) -> Bool {
        guard self.isRunning else { return false }
        switch lookUp {
        case .infoHash(let id): return id == self.core.id
        case .obfuscated(let id): return id == ObfuscatedTorrentID(of: self.core.id, ToyEncryption())
        }
    }

    private func established(_ connection: EngineConnection, _ introduction: Introduction) {
        let facts = PeerFacts(
            address: connection.address, direction: connection.isOutgoing ? .outgoing : .incoming,
            id: introduction.peerID, supportsFast: introduction.supportsFast,
            supportsExtensions: introduction.supportsExtensions,
            isEncrypted: introduction.encryption != .plain)
        self.ledger.reached(.handshaken, by: connection.address, at: self.now)
        connection.isEncrypted = introduction.encryption == .rc4
        connection.phase = .open
        connection.scanner = FrameScanner(
            pieceCount: self.core.geometry?.pieceCount, supportsFast: introduction.supportsFast)
        switch self.core.join(facts, at: self.now, into: &self.actions) {
        case .failure(let refusal): self.close(connection, refusal.reason)
        case .success(let slot):
            connection.slot = slot
            self.bySlot[slot.index] = connection.number
            self.performActions()
            if !introduction.leftover.isEmpty { self.scan(introduction.leftover, connection) }
        }
    }
}

/// Their end.
extension EngineHost {
    func connection(of end: ConnectionEnd) -> EngineConnection? {
        let connection = self.connections[end.tag]
        return connection?.end === end ? connection : nil
    }

    func connection(at slot: PeerSlot) -> EngineConnection? {
        self.bySlot[slot.index].flatMap { self.connections[$0] }
    }

    func isOpen(_ connection: EngineConnection) -> Bool { self.connections[connection.number] === connection }

    /// Ends a connection that the swarm still knows, or never knew.
    func close(_ connection: EngineConnection, _ reason: CloseReason, isNoted: Bool = true) {
        guard self.isOpen(connection) else { return }
        if let slot = connection.slot { self.noteStage(connection, slot) }
        self.forget(connection)
        if isNoted { self.ledger.closed(connection.address, reason, at: self.now) }
        guard let slot = connection.slot else {
            if isNoted, connection.isOutgoing, reason != .duplicateConnection,
                let key = self.core.book.key(of: connection.address)
            {
                self.core.book.closed(key, because: reason, wasUseful: false, at: self.now)
            }
            return
        }
        self.bySlot[slot.index] = nil
        self.core.leave(slot, because: reason, at: self.now, into: &self.actions)
        self.performActions()
    }

    /// Ends a connection that the swarm has forgotten already.
    func end(_ connection: EngineConnection, _ reason: CloseReason) {
        if let slot = connection.slot { self.bySlot[slot.index] = nil }
        self.pump(connection)
        self.forget(connection)
        self.ledger.closed(connection.address, reason, at: self.now)
    }

    private func forget(_ connection: EngineConnection) {
        self.connections[connection.number] = nil
        if let end = connection.end { self.world.close(end) }
    }
}
