import JSONValues
import SwarmTypes

extension JSONWriter {
    /// A torrent's 40 digits, without a String between.
    mutating func torrent(_ id: TorrentID) { self.string(plain: id.hexDigits) }

    /// Bytes per second; unlimited is -1, as qBittorrent and Qguardarr spell it.
    mutating func member(_ name: String, bytesPerSecond limit: UploadLimit) {
        self.member(name, limit.rate?.bytesPerSecond ?? -1)
    }
}
