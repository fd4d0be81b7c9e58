import HTTPFetching
import JSONScanning
public import SwarmTypes

/// What is asked for when a torrent is shown or passed on.
public struct TorrentDetails: Hashable, Sendable {
    public var id: TorrentID
    public var name: String
    public var category: String
    public var tags: [String]
    public var savePath: String
    /// In qBittorrent's own word.
    public var state: String
    public var sizeBytes: Int64
}

public enum TrackerStatus: Hashable, Sendable {
    case disabled, notContacted, working, updating, notWorking
    /// From 5.2: the tracker answered with an error.
    case trackerError
    /// From 5.2.
    case unreachable
    /// A number that is not known, or a word in the user's language, as up to 4.1.4.
    case unknown
}

public struct TrackerEntry: Hashable, Sendable {
    public var url: String
    public var status: TrackerStatus
}

extension QBittorrentClient {
    /// In the order that qBittorrent lists them. A torrent that it does not have is left out.
    public func details(of torrents: [TorrentID]) async throws(ClientFailure) -> [TorrentDetails] {
        guard !torrents.isEmpty else { return [] }
        await self.turn.take()
        defer { self.turn.give() }
        var form = FormBody()
        form.append(hashes: torrents)
        let fields = FieldSet(["hash", "name", "category", "tags", "save_path", "state", "size"])
        let rows = try await self.session.read(
            .torrents, form: form, isLong: true, .rows(fields), RowCollector()
        ).rows
        return rows.compactMap { row in
            guard let id = row.text(0).flatMap({ TorrentID(hexDigits: Array($0)) }) else { return nil }
            let tags = (row.string(3) ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }
            return TorrentDetails(
                id: id, name: row.string(1) ?? "", category: row.string(2) ?? "", tags: tags,
                savePath: row.string(4) ?? "", state: row.string(5) ?? "", sizeBytes: row.number(6) ?? 0)
        }
    }

    /// A torrent's trackers in qBittorrent's order, without its pseudo trackers (DHT, PeX, LSD). Nil when
    /// qBittorrent does not have the torrent.
    public func trackers(of torrent: TorrentID) async throws(ClientFailure) -> [TrackerEntry]? {
        await self.turn.take()
        defer { self.turn.give() }
        let sink = DocumentSink(.rows(FieldSet(["url", "status"])), RowCollector())
        let response = try await self.session.call(.trackers, query: "hash=\(torrent.hex)", into: sink)
        if response.status == 404 { return nil }
        try self.session.check(response, of: .trackers)
        return try sink.finish(at: .trackers).rows.compactMap { row in
            guard let url = row.string(0), !url.hasPrefix("** ["), !url.isEmpty else { return nil }
            return TrackerEntry(url: url, status: TrackerStatus(number: row.number(1)))
        }
    }
}

extension TrackerStatus {
    init(number: Int64?) {
        self =
            switch number {
            case 0: .disabled
            case 1: .notContacted
            case 2: .working
            case 3: .updating
            case 4: .notWorking
            case 5: .trackerError
            case 6: .unreachable
            default: .unknown
            }
    }
}
