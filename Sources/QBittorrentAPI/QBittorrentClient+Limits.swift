import JSONScanning
public import SwarmTypes

extension QBittorrentClient {
    /// In one call: qBittorrent's main thread does nothing else for the tens of milliseconds it takes.
    static let maximumHashesSet = 5_000
    static let maximumHashesRead = 20_000
    /// The first poll after a limit was read may still be answered from before.
    static let pollsInDoubt = 2

    /// Sets one limit on many torrents. The table shows it once it was read back or polled.
    ///
    /// qBittorrent says 200 whether or not it did anything: read back with `readLimits`. Setting is
    /// idempotent, so after a failure it may be sent again; part of it may have arrived.
    public func setUploadLimit(
        _ limit: UploadLimit, of torrents: [TorrentID]
    ) async throws(ClientFailure) {
        let written = try LimitSpelling.written(limit)
        await self.turn.take()
        defer { self.turn.give() }
        for batch in torrents.batches(of: Self.maximumHashesSet) {
            var form = FormBody()
            form.append("limit", String(written))
            form.append(hashes: batch)
            try self.session.check(
                try await self.session.call(.setUploadLimit, form: form), of: .setUploadLimit)
        }
    }

    /// The limits in force, in the order asked for. A torrent that qBittorrent does not have is left out.
    public func readLimits(
        of torrents: [TorrentID]
    ) async throws(ClientFailure) -> [(id: TorrentID, limit: UploadLimit)] {
        await self.turn.take()
        defer { self.turn.give() }
        let written = try await self.currentLimits(of: torrents)
        return torrents.compactMap { id in
            guard let value = written[id] else { return nil }
            self.table.setLimit(written: value, of: id)
            if self.usesDifferences { self.doubtfulLimits[id] = Self.pollsInDoubt }
            return (id, LimitSpelling.limit(from: value))
        }
    }

    /// As qBittorrent spells them; without the torrents that it does not have.
    func currentLimits(of torrents: [TorrentID]) async throws(ClientFailure) -> [TorrentID: Int64] {
        var found: [TorrentID: Int64] = [:]
        for batch in torrents.batches(of: Self.maximumHashesRead) {
            var form = FormBody()
            form.append(hashes: batch)
            let written = try await self.session.read(.uploadLimit, form: form, .values, LimitReader()).limits
            // -1 is "unknown torrent", and up to 4.4 also "never limited".
            let doubtful = batch.filter { (written[$0] ?? -1) < 0 }
            for (id, value) in written where value >= 0 { found[id] = value }
            guard !doubtful.isEmpty else { continue }
            found.merge(try await self.listedLimits(of: doubtful)) { $1 }
        }
        return found
    }

    private func listedLimits(of torrents: [TorrentID]) async throws(ClientFailure) -> [TorrentID: Int64] {
        var form = FormBody()
        form.append(hashes: torrents)
        let rows = try await self.session.read(
            .torrents, form: form, isLong: true, .rows(FieldSet(["hash", "up_limit"])), RowCollector()
        ).rows
        var limits: [TorrentID: Int64] = [:]
        for row in rows {
            guard let hash = row.text(0), let id = TorrentID(hexDigits: Array(hash)),
                let limit = row.number(1)
            else { throw .malformedAnswer(endpoint: .torrents, "a torrent has no hash or no limit") }
            limits[id] = limit
        }
        return limits
    }
}

extension Array {
    fileprivate func batches(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: size).map { self[$0..<Swift.min($0 + size, self.count)] }
    }
}
