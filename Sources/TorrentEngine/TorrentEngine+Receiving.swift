import Digests
import EventIO
import PeerProtocol
import RateControl
import SwarmCore
import SwarmTypes
import TorrentStorage

/// From the socket to the swarm and the disk.
extension TorrentEngine {
    /// A connection may read so often in a row before others have their turn.
    private static let readsInARow = 4
    /// Below so much room in the receive chunk, a fresh one is begun.
    private static let leastRoom = 64 * 1024
    /// A read that brought less is a slow peer's: its half block is copied, so that it holds no large chunk.
    private static let slowRead = 48 * 1024

    func readable(_ connection: PeerConnection) {
        for _ in 0..<Self.readsInARow {
            guard self.isOpen(connection), self.mayRead(connection) else { return }
            guard self.read(connection) else { return }
        }
    }

    /// Whether limits and disk let it read; else it is not watched for reading until they do.
    private func mayRead(_ connection: PeerConnection) -> Bool {
        guard case .open = connection.phase, let leaf = connection.downloadLeaf else {
            return !connection.isHeldByWaking
        }
        if self.storage.isOverloaded, connection.torrent?.core.isFinished == false {
            connection.isHeldByDisk = true
            self.heldByDisk.append(connection.number)
        } else if connection.downloadCredit == 0 {
            connection.downloadCredit = self.downloads.take(
                leaf, upTo: BufferPool.Size.large.rawValue, at: self.now)
            if connection.downloadCredit == 0 {
                connection.isHeldByLimit = true
                self.downloads.wait(leaf, for: Self.leastRoom, at: self.now)
                self.armLimits()
            }
        }
        if connection.isHeldByLimit || connection.isHeldByDisk { self.updateInterest(connection) }
        return !connection.isHeldByLimit && !connection.isHeldByDisk
    }

    /// Reads once; answers whether there may be more.
    private func read(_ connection: PeerConnection) -> Bool {
        let chunk = self.receiveChunk
        let room = chunk.space(after: self.receivedInChunk)
        let isLimited = connection.downloadLeaf != nil
        let count = isLimited ? min(room.count, connection.downloadCredit) : room.count
        let space = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
        switch connection.socket.receive(into: space) {
        case .wouldBlock:
            self.giveBackDownload(connection)
            return false
        case .ended:
            self.ended(connection, connection.endReason)
            return false
        case .failed(let failure):
            self.ended(connection, connection.failureReason(failure))
            return false
        case .moved(let moved):
            let start = self.receivedInChunk
            self.receivedInChunk += moved
            if isLimited { connection.downloadCredit -= moved }
            connection.incomingCipher?.apply(UnsafeMutableRawBufferPointer(rebasing: space[..<moved]))
            self.take(connection, from: chunk, start, moved)
            if room.count - moved < Self.leastRoom { self.beginReceiveChunk() }
            if moved < count { self.giveBackDownload(connection) }
            return moved == count
        }
    }

    func giveBackDownload(_ connection: PeerConnection) {
        guard let leaf = connection.downloadLeaf, connection.downloadCredit > 0 else { return }
        self.downloads.giveBack(leaf, connection.downloadCredit)
        connection.downloadCredit = 0
    }

    func beginReceiveChunk() {
        self.receiveChunk = self.buffers.take(.large)
        self.receivedInChunk = 0
    }

    private func take(_ connection: PeerConnection, from chunk: PayloadChunk, _ start: Int, _ count: Int) {
        let bytes = UnsafeRawBufferPointer(start: chunk.base + start, count: count)
        guard case .open = connection.phase else { return self.receivedOpening(bytes, on: connection) }
        var events = self.wireEvents
        self.wireEvents = []
        events.removeAll(keepingCapacity: true)
        connection.scanner.scan(Span(_unsafeBytes: bytes), into: &events)
        for event in events {
            guard self.isOpen(connection) else { break }
            self.handle(event, connection, chunk, start)
        }
        self.wireEvents = events
        guard self.isOpen(connection), let torrent = connection.torrent, let slot = connection.slot else {
            return
        }
        if count < Self.slowRead { connection.partial?.settle(pool: self.buffers) }
        torrent.core.flush(slot, at: self.now, using: &self.random, into: &torrent.actions)
        self.performActions(of: torrent)
        guard self.isOpen(connection) else { return }
        let asked = torrent.core.asked(of: slot)
        let lowWater = connection.batch.read(
            asked: asked.blocks * Int(PieceGeometry.blockLength), rate: asked.rate, at: self.now)
        if let lowWater { self.setLowWater(lowWater, of: connection) }
    }

    private func setLowWater(_ count: Int, of connection: PeerConnection) {
        connection.socket.setReceiveLowWater(count)
        guard count > 1 else { return self.batching.removeAll { $0 == connection.number } }
        self.batching.append(connection.number)
        if self.batchTimer == nil { self.armBatchTimer() }
    }

    private func armBatchTimer() {
        let due = self.now.advanced(byNanoseconds: ReadBatch.patience)
        self.batchTimer = self.loop.schedule(at: due) { [weak self] in
            self?.assumeIsolated { $0.endSlowBatches() }
        }
    }

    private func endSlowBatches() {
        self.now = self.loop.now
        self.batchTimer = nil
        for number in self.batching {
            guard let connection = self.connections[number], connection.batch.lowWater > 1 else {
                self.batching.removeAll { $0 == number }
                continue
            }
            if let lowWater = connection.batch.timerFired(at: self.now) {
                self.setLowWater(lowWater, of: connection)
            }
        }
        if !self.batching.isEmpty { self.armBatchTimer() }
    }

    /// Messages that came with the handshake.
    func receivedLeftover(_ bytes: [UInt8], on connection: PeerConnection) {
        if self.receiveChunk.capacity - self.receivedInChunk < bytes.count { self.beginReceiveChunk() }
        let start = self.receivedInChunk
        self.receiveChunk.space(after: start).copyBytes(from: bytes)
        self.receivedInChunk += bytes.count
        self.take(connection, from: self.receiveChunk, start, bytes.count)
    }

    private func handle(_ event: WireEvent, _ connection: PeerConnection, _ chunk: PayloadChunk, _ start: Int)
    {
        guard let torrent = connection.torrent, let slot = connection.slot else { return }
        switch event {
        case .message(let message):
            torrent.core.received(
                message, from: slot, at: self.now, using: &self.random, into: &torrent.actions)
            if !torrent.actions.isEmpty { self.performActions(of: torrent) }
        case .blockBegan(let block):
            connection.partial = PartialBlock(block)
        case .blockBytes(let offset, let count):
            connection.partial?.append(chunk.slice(at: start + offset, count: count), pool: self.buffers)
        case .blockEnded:
            guard let partial = connection.partial else { return }
            connection.partial = nil
            let disposition = torrent.core.received(
                partial.block, from: slot, at: self.now, into: &torrent.actions)
            if disposition == .write, let payload = partial.payload {
                self.write(partial.block, payload, torrent)
            }
            if !torrent.actions.isEmpty { self.performActions(of: torrent) }
        case .failed(let reason):
            self.close(connection, reason)
        }
    }
}
