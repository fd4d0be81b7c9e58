import BencodeCoding

extension Metainfo {
    /// The .torrent file: its bytes as they were read, or, of a torrent whose info dictionary came from peers, one around that
    /// dictionary.
    public var torrentFile: [UInt8] {
        guard self.infoRange == self.bytes.indices else { return Array(self.bytes) }
        var writer = BencodeWriter()
        let tiers = self.announcement.tiers.filter { !$0.isEmpty }
        writer.dictionary { writer in
            if let first = tiers.first?.first { writer.member("announce", first) }
            if tiers.joined().count > 1 {
                writer.key("announce-list")
                writer.list { writer in
                    for tier in tiers { writer.list { for url in tier { $0.string(url) } } }
                }
            }
            writer.key("info")
            writer.raw(self.infoBytes)
            let seeds = self.announcement.webSeeds
            guard !seeds.isEmpty else { return }
            writer.key("url-list")
            writer.list { for url in seeds { $0.string(url) } }
        }
        return writer.bytes
    }
}
