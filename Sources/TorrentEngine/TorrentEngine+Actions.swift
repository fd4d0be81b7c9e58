import Digests
import PeerProtocol
import StallDiagnosis
import SwarmCore
import SwarmTypes

/// Doing what a swarm wants done.
extension TorrentEngine {
    /// Empties the list of actions. What they cause may add more, which are done as well.
    func performActions(of torrent: ActiveTorrent) {
        guard !torrent.isPerforming else { return }
        torrent.isPerforming = true
        defer { torrent.isPerforming = false }
        var batch: [SwarmAction] = []
        while true {
            torrent.core.fillUploadSlots(at: self.now, using: &self.random, into: &torrent.actions)
            guard !torrent.actions.isEmpty else { break }
            swap(&batch, &torrent.actions)
            torrent.actions.removeAll(keepingCapacity: true)
            for action in batch { self.perform(action, of: torrent) }
            // Sent once for all that was said.
            for slot in torrent.takeTouched() {
                if let connection = torrent.connection(at: slot), self.isOpen(connection) {
                    self.pump(connection)
                }
            }
            batch.removeAll(keepingCapacity: true)
        }
    }

    private func perform(_ action: SwarmAction, of torrent: ActiveTorrent) {
        switch action {
        case .send(let slot, let message):
            guard let connection = torrent.connection(at: slot) else { return }
            self.say(message, to: connection)
            torrent.touch(slot)
        case .serve(let slot): torrent.touch(slot)
        case .close(let slot, let reason):
            guard let connection = torrent.connection(at: slot) else { return }
            self.end(connection, torrent, reason)
        case .pieceFinished: break
        case .finished: self.finished(torrent)
        case .metadataReceived(let bytes): self.metadataReceived(bytes, of: torrent)
        case .giveMetadata(let slot, let piece): self.giveMetadata(piece, to: slot, of: torrent)
        case .heardOf(let addresses):
            for address in addresses { self.heardOf(address, .peerExchange, torrent) }
        }
    }

    /// A peer that makes us answer and never reads is cut when so many bytes wait for it.
    private static let mostWaiting = 4 << 20

    private func say(_ message: PeerMessage, to connection: PeerConnection) {
        guard connection.control.count - connection.controlSent < Self.mostWaiting else {
            return self.close(connection, .tooManyBadRequests)
        }
        guard let cipher = connection.outgoingCipher else { return message.append(to: &connection.control) }
        var bytes = message.bytes
        cipher.apply(&bytes)
        connection.control += bytes
    }
}
