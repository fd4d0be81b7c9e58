import EventIO
import RateControl
public import SwarmTypes
import TorrentStorage

/// Connections that wait for their share of a limit.
extension TorrentEngine {
    /// Makes sure that the trees are served when the next of their leaves can be.
    func armLimits() {
        let due = [self.uploads.nextTick, self.downloads.nextTick].compactMap { $0 }.min()
        guard let due, self.limitsDue.map({ due < $0 }) ?? true else { return }
        if let timer = self.limitTimer { self.loop.cancel(timer) }
        self.limitsDue = due
        self.limitTimer = self.loop.schedule(at: due) { [weak self] in
            self?.assumeIsolated { $0.serveLimits() }
        }
    }

    private func serveLimits() {
        self.now = self.loop.now
        self.limitTimer = nil
        self.limitsDue = nil
        if let due = self.uploads.nextTick, due <= self.now { self.serveUploads() }
        if let due = self.downloads.nextTick, due <= self.now { self.serveDownloads() }
        self.armLimits()
    }

    private func serveUploads() {
        var grants = self.grants
        self.grants = []
        self.uploads.tick(at: self.now, into: &grants)
        for grant in grants {
            guard let number = self.uploaders[grant.leaf], let connection = self.connections[number] else {
                continue
            }
            connection.uploadCredit += grant.bytes
            connection.isWaitingForGrant = self.uploads.isWaiting(grant.leaf)
            self.pump(connection)
            // It gets no more before what it has is on its way: others can use it now.
            if connection.isReading || connection.sending != nil { self.stopWaiting(connection) }
        }
        self.grants = grants
    }

    private func stopWaiting(_ connection: PeerConnection) {
        guard connection.isWaitingForGrant, let leaf = connection.uploadLeaf else { return }
        self.uploads.stopWaiting(leaf)
        connection.isWaitingForGrant = false
    }

    /// The connection has no use for what it was granted and has not sent, and for what it waits for.
    func returnUploadCredit(_ connection: PeerConnection) {
        self.stopWaiting(connection)
        guard connection.uploadCredit > 0, let leaf = connection.uploadLeaf else { return }
        self.uploads.giveBack(leaf, connection.uploadCredit)
        connection.uploadCredit = 0
    }

    private func serveDownloads() {
        var grants = self.grants
        self.grants = []
        self.downloads.tick(at: self.now, into: &grants)
        for grant in grants {
            guard let number = self.downloaders[grant.leaf], let connection = self.connections[number] else {
                continue
            }
            connection.downloadCredit += grant.bytes
            connection.isHeldByLimit = false
            self.updateInterest(connection)
            // What lies in the socket is read now, not when the loop comes round.
            self.readable(connection)
        }
        self.grants = grants
    }

    /// Once a second; `isBusy` is whether there will be a next time.
    func trimIfIdle(isBusy: Bool) {
        let moved =
            self.uploads.charged(to: self.uploads.root) + self.downloads.charged(to: self.downloads.root)
        if self.idleWatch.isTrimDue(moved: moved) || !isBusy { self.storage.trim() }
    }

    public func setUploadLimit(_ limit: UploadLimit) {
        self.now = self.loop.now
        self.uploads.setLimit(limit, of: self.uploads.root, at: self.now)
        self.armLimits()
    }

    public func setDownloadLimit(_ limit: UploadLimit) {
        self.now = self.loop.now
        self.downloads.setLimit(limit, of: self.downloads.root, at: self.now)
        self.armLimits()
    }
}
