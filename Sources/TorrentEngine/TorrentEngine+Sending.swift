import EventIO
import RateControl
import SwarmCore
import SwarmTypes
import TorrentStorage

/// From the swarm and the disk to the socket.
extension TorrentEngine {
    /// Of blocks that are read and sent together.
    private static let runLength = 256 * 1024

    /// A fast peer that asks for a block whenever it gets one would be served in single blocks, each with its own
    /// system calls on both sides: after a run it waits this long, unless this many blocks have come together.
    private static let batchNanoseconds: Int64 = 1_000_000
    private static let batch = 16

    private func deferUpload(_ connection: PeerConnection) {
        guard !connection.isDeferred else { return }
        connection.isDeferred = true
        self.deferred.append(connection.number)
        guard self.deferred.count == 1 else { return }
        self.loop.schedule(at: self.now.advanced(byNanoseconds: Self.batchNanoseconds)) { [weak self] in
            self?.assumeIsolated { $0.serveDeferred() }
        }
    }

    private func serveDeferred() {
        self.now = self.loop.now
        let numbers = self.deferred
        self.deferred = []
        for number in numbers {
            guard let connection = self.connections[number], connection.isDeferred else { continue }
            connection.isDeferred = false
            connection.lastRunAt = Instant(nanoseconds: 0)
            self.pump(connection)
        }
    }

    /// Sends messages and blocks until the socket is full, a limit holds, or nothing is left to send.
    func pump(_ connection: PeerConnection) {
        while self.isOpen(connection) {
            guard self.sendPending(connection) else { return }
            guard case .open = connection.phase, !connection.isReading, self.beginUpload(connection) else {
                return self.updateInterest(connection)
            }
        }
    }

    /// Answers whether everything that was pending is with the socket now.
    private func sendPending(_ connection: PeerConnection) -> Bool {
        while connection.hasControl || connection.sending != nil {
            self.sendList.removeAll()
            let result = connection.control.withUnsafeBytes { control in
                if connection.hasControl {
                    self.sendList.append(UnsafeRawBufferPointer(rebasing: control[connection.controlSent...]))
                }
                return self.withSending(connection) { connection.socket.send(self.sendList) }
            }
            switch result {
            case .moved(let count): self.noteSent(count, connection)
            case .wouldBlock, .ended:
                self.updateInterest(connection)
                return false
            case .failed(let failure):
                self.ended(connection, connection.failureReason(failure))
                return false
            }
        }
        return true
    }

    private func withSending(_ connection: PeerConnection, _ body: () -> TransferResult) -> TransferResult {
        guard let sending = connection.sending else { return body() }
        return sending.heads.withUnsafeBytes { heads in
            sending.appendRest(to: self.sendList, heads: heads)
            return body()
        }
    }

    private func noteSent(_ count: Int, _ connection: PeerConnection) {
        let ofControl = min(count, connection.control.count - connection.controlSent)
        connection.controlSent += ofControl
        if !connection.hasControl {
            connection.control.removeAll(keepingCapacity: connection.control.capacity <= 4096)
            connection.controlSent = 0
        }
        guard connection.sending != nil, count > ofControl else { return }
        connection.sending?.sent += count - ofControl
        // At once: a connection may end before all of the run is out.
        let payload = connection.sending?.takePayload() ?? 0
        if connection.sending?.isDone == true { connection.sending = nil }
        if payload > 0, let slot = connection.slot {
            connection.torrent?.core.uploaded(payload, to: slot, at: self.now)
        }
    }

    /// Takes the next blocks that the peer waits for, as far as the limits go; answers whether there are any to send now.
    private func beginUpload(_ connection: PeerConnection) -> Bool {
        guard let torrent = connection.torrent, let leaf = connection.uploadLeaf, let slot = connection.slot,
            let waiting = torrent.core.waitingUpload(slot)
        else {
            self.returnUploadCredit(connection)
            return false
        }
        if waiting.count < Self.batch,
            self.now.nanoseconds - connection.lastRunAt.nanoseconds < Self.batchNanoseconds
        {
            self.deferUpload(connection)
            return false
        }
        let first = Int(waiting.first)
        if connection.uploadCredit < first {
            guard !connection.isWaitingForGrant else { return false }
            let wanted = min(Self.runLength, max(first, waiting.count * first)) - connection.uploadCredit
            connection.uploadCredit += self.uploads.take(leaf, upTo: wanted, at: self.now)
            guard connection.uploadCredit >= first else {
                connection.isWaitingForGrant = true
                self.uploads.wait(leaf, for: max(wanted, first - connection.uploadCredit), at: self.now)
                self.armLimits()
                return false
            }
        }
        let limit = UInt32(clamping: min(Self.runLength, connection.uploadCredit))
        guard let run = torrent.core.nextUpload(slot, maximumLength: limit) else { return false }
        connection.lastRunAt = self.now
        connection.uploadCredit -= Int(run.length)
        if torrent.core.waitingUpload(slot) == nil { self.returnUploadCredit(connection) }
        return self.read(run, for: connection, torrent)
    }
}
