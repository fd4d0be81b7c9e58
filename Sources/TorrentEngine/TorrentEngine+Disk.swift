import Digests
import EventIO
import SwarmCore
import SwarmTypes
import TorrentStorage

/// Blocks to and from the disk, and what it says of pieces.
extension TorrentEngine {
    func write(_ block: Block, _ payload: BlockPayload, _ torrent: ActiveTorrent) {
        torrent.store?.write(block, payload)
    }

    /// Reads a run and sends it, at once when it is in memory; answers whether there is something to send now.
    func read(_ run: UploadRun, for connection: PeerConnection, _ torrent: ActiveTorrent) -> Bool {
        guard let store = torrent.store else { return false }
        connection.isReading = true
        connection.reading = run
        connection.readSoFar = []
        return self.readOn(connection, store, torrent)
    }

    /// Goes on with a connection's read, a window at a time; answers whether all of it is there.
    private func readOn(_ connection: PeerConnection, _ store: TorrentStore, _ torrent: ActiveTorrent) -> Bool
    {
        guard let run = connection.reading else { return false }
        var read = connection.readSoFar.reduce(0) { $0 + $1.count }
        while read < Int(run.length) {
            let offset = Int(run.range.offset) + read
            let token = self.nextReadToken
            switch store.readWindow(ofPiece: Int(run.range.piece), containing: offset, for: token) {
            case .ready(let window):
                guard let slice = window.slice(at: offset, count: Int(run.length) - read) else {
                    self.readFailed(connection, torrent)
                    return false
                }
                connection.readSoFar.append(slice)
                read += slice.count
            case .pending:
                self.nextReadToken += 1
                torrent.reads[token] = connection.number
                return false
            case .refused:
                self.readFailed(connection, torrent)
                return false
            }
        }
        connection.isReading = false
        connection.reading = nil
        let slices = connection.readSoFar
        connection.readSoFar = []
        self.send(run, slices, on: connection, torrent)
        return true
    }

    /// Hands blocks to the socket, or through the cipher to the bytes that wait for it.
    private func send(
        _ run: UploadRun, _ slices: [PayloadSlice], on connection: PeerConnection, _ torrent: ActiveTorrent
    ) {
        let sending = Sending(run, data: slices)
        guard let cipher = connection.outgoingCipher else {
            connection.sending = sending
            return
        }
        var bytes = sending.flattened
        cipher.apply(&bytes)
        connection.control += bytes
        if let slot = connection.slot { torrent.core.uploaded(Int(run.length), to: slot, at: self.now) }
    }

    private func readFailed(_ connection: PeerConnection, _ torrent: ActiveTorrent) {
        guard let run = connection.reading else { return }
        connection.isReading = false
        connection.reading = nil
        connection.readSoFar = []
        if let slot = connection.slot { torrent.core.couldNotUpload(run, to: slot, into: &torrent.actions) }
        self.performActions(of: torrent)
    }

    func observe(_ store: TorrentStore, of torrent: ActiveTorrent) {
        let id = torrent.core.id
        store.onEvent = { [weak self] event in
            self?.assumeIsolated { $0.diskSaid(event, id) }
        }
    }

    private func diskSaid(_ event: StorageEvent, _ id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id], let store = torrent.store else { return }
        switch event {
        case .pieceHashed(let verdict):
            torrent.noteHashed(isRight: verdict.isGood, at: self.now)
            torrent.core.pieceHashed(
                verdict.piece, isRight: verdict.isGood, digests: verdict.blockDigests, at: self.now,
                using: &self.random, into: &torrent.actions)
            self.performActions(of: torrent)
        case .readFinished(let token, let result): self.readFinished(token, result, torrent, store)
        case .failed(let failure):
            self.stopped(torrent, because: failure)
        case .blocksDropped(let piece, let blocks):
            torrent.core.blocksDropped(blocks, ofPiece: piece)
        case .pieceLost(let piece, let failure): self.lost(piece, failure, torrent, store)
        }
    }

    private func readFinished(
        _ token: UInt64, _ result: Result<ReadWindow, StorageFailure>, _ torrent: ActiveTorrent,
        _ store: TorrentStore
    ) {
        guard let number = torrent.reads.removeValue(forKey: token),
            let connection = self.connections[number],
            connection.torrent === torrent, let run = connection.reading
        else { return }
        switch result {
        case .failure: self.readFailed(connection, torrent)
        case .success(let window):
            let read = connection.readSoFar.reduce(0) { $0 + $1.count }
            if let slice = window.slice(at: Int(run.range.offset) + read, count: Int(run.length) - read) {
                connection.readSoFar.append(slice)
            }
            _ = self.readOn(connection, store, torrent)
        }
        if self.isOpen(connection) { self.pump(connection) }
    }

    /// The disk has room for payload again.
    func diskRelieved() {
        self.now = self.loop.now
        let held = self.heldByDisk
        self.heldByDisk = []
        for number in held {
            guard let connection = self.connections[number], connection.isHeldByDisk else { continue }
            connection.isHeldByDisk = false
            self.updateInterest(connection)
        }
    }
}
