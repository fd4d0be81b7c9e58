import JSONValues
import MetainfoCoding
import SwarmTypes

extension TorrentListing {
    func write(to json: inout JSONWriter, masking mask: URLMask) {
        switch self {
        case .torrent(let torrent): torrent.write(to: &json, masking: mask)
        case .magnet(let link): link.write(to: &json, masking: mask)
        }
    }

    func print(to output: Output, masking mask: URLMask) {
        switch self {
        case .torrent(let torrent): torrent.print(to: output, masking: mask)
        case .magnet(let link): link.print(to: output, masking: mask)
        }
    }
}

extension FileAttributes {
    fileprivate var names: [String] {
        var names: [String] = []
        if self.contains(.padding) { names.append("padding") }
        if self.contains(.symlink) { names.append("symlink") }
        if self.contains(.executable) { names.append("executable") }
        if self.contains(.hidden) { names.append("hidden") }
        return names
    }
}

extension Metainfo {
    /// Only what names the torrent: its trackers may hold keys.
    var magnetLink: MagnetLink? {
        var link: MagnetLink
        if let id = self.v1ID {
            link = MagnetLink(v1ID: id, v2InfoHash: self.v2InfoHash)
        } else if let hash = self.v2InfoHash {
            link = MagnetLink(v2InfoHash: hash)
        } else {
            return nil
        }
        link.displayName = self.name
        return link
    }

    /// Members that describe the torrent as a whole.
    func writeSummary(to json: inout JSONWriter) {
        json.member("version", self.version.rawValue)
        json.member("info_hash", self.v1ID?.hex)
        json.member("info_hash_v2", self.v2InfoHash?.hex)
        json.member("name", self.name)
        json.member("total_size", self.contentLength)
        json.member("piece_length", Int64(self.geometry.pieceLength))
        json.member("piece_count", self.geometry.pieceCount)
        json.member("private", self.isPrivate)
        json.member("source", self.source)
        json.member("magnet", self.magnetLink?.text)
    }

    fileprivate func write(to json: inout JSONWriter, masking mask: URLMask) {
        json.member("kind", "torrent")
        self.writeSummary(to: &json)
        json.member("comment", self.announcement.comment)
        json.member("created_by", self.announcement.createdBy)
        json.member("creation_date", self.announcement.creationDate.map { .integer($0) } ?? .null)
        json.member(
            "trackers",
            array: { json in
                for tier in self.announcement.tiers {
                    json.array { for url in tier { $0.string(mask.tracker(url)) } }
                }
            })
        json.member("web_seeds", self.announcement.webSeeds.map(mask.webSeed))
        json.member("nodes", self.announcement.nodes.map { "\($0.host):\($0.port)" })
        json.member(
            "files",
            array: { json in
                for file in self.files {
                    json.object { json in
                        json.member("path", file.path)
                        json.member("size", file.length)
                        json.member("offset", file.offset)
                        json.member("attributes", file.attributes.names)
                        json.member("target", file.symlinkTarget)
                    }
                }
            })
    }

    fileprivate func print(to output: Output, masking mask: URLMask) {
        let stored = self.files.filter { !$0.isPadding }
        var rows: [[String]] = [["name", plain(self.name)], ["version", self.version.rawValue]]
        if let id = self.v1ID { rows.append(["info-hash", id.hex]) }
        if let hash = self.v2InfoHash { rows.append(["info-hash v2", hash.hex]) }
        rows.append([
            "size",
            "\(sizeText(self.contentLength)) (\(self.contentLength) bytes) in \(stored.count) \(stored.count == 1 ? "file" : "files")",
        ])
        rows.append([
            "pieces", "\(self.geometry.pieceCount) of \(sizeText(Int64(self.geometry.pieceLength)))",
        ])
        rows.append(["private", self.isPrivate ? "yes: peers only from its trackers" : "no"])
        if let source = self.source { rows.append(["source", plain(source)]) }
        if let comment = self.announcement.comment { rows.append(["comment", plain(comment)]) }
        if let creator = self.announcement.createdBy { rows.append(["created by", plain(creator)]) }
        if let date = self.announcement.creationDate { rows.append(["created", dateText(date)]) }
        for (index, tier) in self.announcement.tiers.enumerated() {
            for url in tier { rows.append(["tracker \(index + 1)", plain(mask.tracker(url))]) }
        }
        for url in self.announcement.webSeeds { rows.append(["web seed", plain(mask.webSeed(url))]) }
        for node in self.announcement.nodes { rows.append(["node", "\(node.host):\(node.port)"]) }
        output.printPairs(rows)
        output.print("")
        output.printTable(
            ["size", "path"], rightAligned: [0],
            stored.map { file in
                let target = file.symlinkTarget.map { " -> \(plain($0))" } ?? ""
                return [sizeText(file.length), plain(file.path) + target]
            })
    }
}

extension MagnetLink {
    private var version: TorrentVersion {
        self.v2InfoHash == nil ? .v1 : self.v1ID == nil ? .v2 : .hybrid
    }

    fileprivate func write(to json: inout JSONWriter, masking mask: URLMask) {
        json.member("kind", "magnet")
        json.member("version", self.version.rawValue)
        json.member("info_hash", self.v1ID?.hex)
        json.member("info_hash_v2", self.v2InfoHash?.hex)
        json.member("name", self.displayName)
        json.member("trackers", self.trackers.map(mask.tracker))
        json.member("web_seeds", self.webSeeds.map(mask.webSeed))
        json.member("peers", self.peers.map(\.text))
        json.name("selected_files")
        guard let ranges = self.selectedFiles else {
            json.null()
            return
        }
        json.array { json in
            for range in ranges {
                json.array { json in
                    json.integer(Int64(range.lowerBound))
                    json.integer(Int64(range.upperBound))
                }
            }
        }
    }

    fileprivate func print(to output: Output, masking mask: URLMask) {
        var rows: [[String]] = [
            ["name", plain(self.displayName ?? "not in the link")], ["version", self.version.rawValue],
        ]
        if let id = self.v1ID { rows.append(["info-hash", id.hex]) }
        if let hash = self.v2InfoHash { rows.append(["info-hash v2", hash.hex]) }
        for url in self.trackers { rows.append(["tracker", plain(mask.tracker(url))]) }
        for url in self.webSeeds { rows.append(["web seed", plain(mask.webSeed(url))]) }
        for peer in self.peers { rows.append(["peer", peer.text]) }
        if let ranges = self.selectedFiles {
            let parts = ranges.map {
                $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
            }
            rows.append(["files", parts.joined(separator: ", ")])
        }
        output.printPairs(rows)
    }
}

extension Output {
    /// Two columns without heads.
    func printPairs(_ rows: [[String]]) {
        let width = rows.map { $0[0].count }.max() ?? 0
        for row in rows {
            self.print(row[0] + String(repeating: " ", count: width + 2 - row[0].count) + row[1])
        }
    }
}
