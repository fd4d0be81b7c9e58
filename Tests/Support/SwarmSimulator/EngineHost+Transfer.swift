import PeerProtocol
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TestKit

/// From the line to the swarm and the disk, and back.
extension EngineHost {
    public func received(_ packet: Packet, on end: ConnectionEnd) {
        guard let connection = self.connection(of: end) else { return }
        switch packet {
        case .bytes(let bytes):
            if connection.slot == nil {
                self.receivedOpening(bytes, connection)
            } else {
                self.scan(bytes, connection)
            }
        case .messages(let messages):
            for message in messages {
                guard let slot = connection.slot, self.isOpen(connection) else { return }
                self.core.received(
                    message, from: slot, at: self.now, using: &self.random, into: &self.actions)
                self.performActions()
            }
            self.flush(connection)
        case .block(let block, let mark):
            self.received(block, mark, connection)
            self.flush(connection)
        }
    }

    private func flush(_ connection: EngineConnection) {
        guard let slot = connection.slot, self.isOpen(connection) else { return }
        self.core.flush(slot, at: self.now, using: &self.random, into: &self.actions)
        self.performActions()
    }

    /// Bytes that only a scanner can judge.
    func scan(_ bytes: [UInt8], _ connection: EngineConnection) {
        var events: [WireEvent] = []
        connection.scanner.scan(bytes.span, into: &events)
        for event in events {
            guard let slot = connection.slot, self.isOpen(connection) else { return }
            switch event {
            case .message(let message):
                self.core.received(
                    message, from: slot, at: self.now, using: &self.random, into: &self.actions)
                self.performActions()
            case .failed(let reason): return self.close(connection, reason)
            case .blockBegan, .blockBytes, .blockEnded: break
            }
        }
        self.flush(connection)
    }

    private func received(_ block: Block, _ mark: PayloadMark, _ connection: EngineConnection) {
        guard let slot = connection.slot else { return }
        self.payloadReceived += Int64(block.length)
        let disposition = self.core.received(block, from: slot, at: self.now, into: &self.actions)
        if disposition == .write { self.write(block, mark) }
        self.performActions()
    }

    private func write(_ block: Block, _ mark: PayloadMark) {
        if let failure = self.disk.failure {
            self.state = .failed("the disk")
            self.diskFailure = failure
            for connection in self.connections.compactMap(\.self) { self.close(connection, .torrentStopped) }
            return
        }
        if self.disk.holds(block) { self.violations.append("\(block) was accepted twice") }
        if self.disk.write(block, mark) {
            self.world.fire(
                .hashed(piece: Int(block.piece)), of: self, afterSeconds: self.disk.latencySeconds)
        }
    }

    func hashed(_ piece: Int) {
        self.liarsMet.formUnion(self.disk.wrongSenders(piece))
        let (isRight, digests) = self.disk.check(piece)
        self.checkTimes.append((self.now, isRight))
        self.core.pieceHashed(
            piece, isRight: isRight, digests: digests, at: self.now, using: &self.random, into: &self.actions)
        self.performActions()
    }
}

/// What the swarm wants done.
extension EngineHost {
    func performActions() {
        guard !self.isPerforming else { return }
        self.isPerforming = true
        defer { self.isPerforming = false }
        var batch: [SwarmAction] = []
        while true {
            self.core.fillUploadSlots(at: self.now, using: &self.random, into: &self.actions)
            guard !self.actions.isEmpty else { break }
            swap(&batch, &self.actions)
            self.actions.removeAll(keepingCapacity: true)
            for action in batch { self.perform(action) }
            let touched = self.touched
            self.touched = []
            for number in touched {
                if let connection = self.connections[number] { self.pump(connection) }
            }
            batch.removeAll(keepingCapacity: true)
        }
    }

    private func perform(_ action: SwarmAction) {
        switch action {
        case .send(let slot, let message):
            guard let connection = self.connection(at: slot) else { return }
            self.inspect(message, connection)
            if connection.messages.isEmpty { self.touched.append(connection.number) }
            connection.messages.append(message)
        case .serve(let slot):
            if let connection = self.connection(at: slot) { self.touched.append(connection.number) }
        case .close(let slot, let reason):
            if let connection = self.connection(at: slot) { self.end(connection, reason) }
        case .finished:
            self.state = .seeding
            self.finishedAt = self.now
        case .heardOf(let addresses): for address in addresses { self.heardOf(address, .peerExchange) }
        case .pieceFinished, .metadataReceived, .giveMetadata: break
        }
    }

    private func inspect(_ message: PeerMessage, _ connection: EngineConnection) {
        switch message {
        case .request(let block):
            self.sentRequests += 1
            if self.core.have[Int(block.piece)] || self.disk.holds(block) {
                self.violations.append("host \(self.number) asks for \(block), which it has")
            }
        case .unchoke: self.unchokes.append((self.now, connection.host))
        default: break
        }
    }

    /// Sends what was said, then blocks while the line has room.
    func pump(_ connection: EngineConnection) {
        guard let end = connection.end, case .open = connection.phase else { return }
        if !connection.messages.isEmpty {
            self.world.send(.messages(connection.messages), on: end)
            connection.messages.removeAll(keepingCapacity: true)
        }
        guard self.isOpen(connection), let slot = connection.slot, connection.reading == nil,
            end.queuedBytes < self.line.sendBuffer,
            let run = self.core.nextUpload(slot, maximumLength: UInt32(self.line.sendBuffer))
        else { return }
        connection.reading = run
        self.world.fire(
            .pieceRead(end, id: connection.number), of: self, afterSeconds: self.disk.latencySeconds)
    }

    func wasRead(_ end: ConnectionEnd, _ number: Int) {
        guard let connection = self.connection(of: end), let run = connection.reading else { return }
        connection.reading = nil
        for block in run.blocks {
            let lies =
                self.corruptShare > 0 && Double.random(in: 0..<1, using: &self.random) < self.corruptShare
            let version = lies ? max(1, self.random.next()) : 0
            self.world.send(.block(block, PayloadMark(sender: self.number, version: version)), on: end)
        }
        self.pump(connection)
    }

    public func departed(_ payload: Int, from end: ConnectionEnd) {
        guard let connection = self.connection(of: end), let slot = connection.slot else { return }
        self.core.uploaded(payload, to: slot, at: self.now)
        self.pump(connection)
    }
}
