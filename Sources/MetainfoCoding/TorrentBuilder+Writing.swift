import BencodeCoding
import SwarmTypes

extension TorrentBuilder {
    /// The torrent file.
    ///
    /// - Parameters:
    ///   - v1Hashes: 20 bytes for each piece; unused for v2.
    ///   - v2Hashes: 32 bytes for each piece, the root of its part of the file's tree; unused for v1.
    public func torrentFile(
        v1Hashes: [UInt8], v2Hashes: [UInt8], hashing: MetainfoHashing
    ) throws(TorrentBuildFailure) -> [UInt8] {
        precondition(
            self.options.version == .v2
                || v1Hashes.count == self.geometry.pieceCount * TorrentID.byteCount,
            "one SHA-1 digest for each piece")
        precondition(
            self.options.version == .v1
                || v2Hashes.count == self.geometry.pieceCount * InfoHashV2.byteCount,
            "one SHA-256 digest for each piece")
        let trees = try self.trees(v2Hashes, hashing)
        var writer = BencodeWriter()
        let announcement = self.options.announcement
        writer.dictionary { writer in
            if let first = announcement.tiers.first?.first { writer.member("announce", first) }
            if announcement.tiers.joined().count > 1 {
                writer.key("announce-list")
                writer.list { writer in
                    for tier in announcement.tiers where !tier.isEmpty {
                        writer.list { writer in
                            for url in tier { writer.string(url) }
                        }
                    }
                }
            }
            if let comment = announcement.comment { writer.member("comment", comment) }
            if let creator = announcement.createdBy { writer.member("created by", creator) }
            if let date = announcement.creationDate { writer.member("creation date", date) }
            writer.key("info")
            self.writeInfo(v1Hashes, trees, to: &writer)
            if self.options.version != .v1 { self.writeLayers(trees, v2Hashes, to: &writer) }
            if announcement.webSeeds.count == 1 {
                writer.member("url-list", announcement.webSeeds[0])
            } else if !announcement.webSeeds.isEmpty {
                writer.key("url-list")
                writer.list { for url in announcement.webSeeds { $0.string(url) } }
            }
        }
        return writer.bytes
    }

    /// What v2 says of each file.
    private struct Tree {
        var root: [UInt8] = []
        /// Indices into the pieces' hashes; empty where the root is all there is.
        var layer: Range<Int> = 0..<0
    }

    private func trees(
        _ v2Hashes: [UInt8], _ hashing: MetainfoHashing
    ) throws(TorrentBuildFailure) -> [Tree] {
        guard self.options.version != .v1 else { return [] }
        var trees = [Tree](repeating: Tree(), count: self.files.count)
        let pieceLength = Int64(self.geometry.pieceLength)
        for place in self.placed where place.length > 0 {
            guard let file = place.file else { continue }
            let first = Int(place.offset / pieceLength) * InfoHashV2.byteCount
            let count = Int((place.length - 1) / pieceLength + 1) * InfoHashV2.byteCount
            let layer = first..<first + count
            if self.hasPieceLayer(file: file) { trees[file].layer = layer }
            guard
                let root = merkleRoot(
                    ofLayer: v2Hashes[layer], covering: Int(pieceLength), hashing: hashing)
            else { throw .hashingFailed }
            trees[file].root = root
        }
        return trees
    }

    private func writeInfo(_ v1Hashes: [UInt8], _ trees: [Tree], to writer: inout BencodeWriter) {
        let version = self.options.version
        writer.dictionary { writer in
            if version != .v1 {
                writer.key("file tree")
                self.writeFolder(self.files.indices, depth: 0, trees, to: &writer)
            }
            if version != .v2 {
                if self.isMultiFile {
                    self.writeList(to: &writer)
                } else {
                    writer.member("length", self.files[0].length)
                }
            }
            if version != .v1 { writer.member("meta version", 2) }
            writer.member("name", self.name)
            writer.member("piece length", Int64(self.geometry.pieceLength))
            if version != .v2 { writer.member("pieces", bytes: v1Hashes) }
            if self.options.isPrivate { writer.member("private", 1) }
            if let source = self.options.source { writer.member("source", source) }
        }
    }

    private func writeList(to writer: inout BencodeWriter) {
        writer.key("files")
        writer.list { writer in
            for place in self.placed {
                writer.dictionary { writer in
                    if place.file == nil { writer.member("attr", FileAttributes.padding.letters) }
                    writer.member("length", place.length)
                    writer.key("path")
                    writer.list { writer in
                        // BEP 47's recommendation.
                        let path =
                            place.file.map { self.files[$0].components } ?? [".pad", "\(place.length)"]
                        for component in path { writer.string(component) }
                    }
                }
            }
        }
    }

    /// Of the files, all in one folder `depth` deep; calls itself for each folder in it.
    private func writeFolder(
        _ range: Range<Int>, depth: Int, _ trees: [Tree], to writer: inout BencodeWriter
    ) {
        writer.dictionary { writer in
            var start = range.lowerBound
            while start < range.upperBound {
                let component = self.files[start].components[depth]
                let isSame = { (file: Int) in
                    self.files[file].components[depth].utf8.elementsEqual(component.utf8)
                }
                let end = (start..<range.upperBound).first { !isSame($0) } ?? range.upperBound
                writer.key(component)
                if self.files[start].components.count == depth + 1 {
                    self.writeLeaf(start, trees[start], to: &writer)
                } else {
                    self.writeFolder(start..<end, depth: depth + 1, trees, to: &writer)
                }
                start = end
            }
        }
    }

    private func writeLeaf(_ file: Int, _ tree: Tree, to writer: inout BencodeWriter) {
        writer.dictionary { writer in
            writer.key("")
            writer.dictionary { writer in
                writer.member("length", self.files[file].length)
                if !tree.root.isEmpty { writer.member("pieces root", bytes: tree.root) }
            }
        }
    }

    /// Equal files share a layer.
    private func writeLayers(_ trees: [Tree], _ v2Hashes: [UInt8], to writer: inout BencodeWriter) {
        let layered = trees.filter { !$0.layer.isEmpty }.sorted {
            $0.root.lexicographicallyPrecedes($1.root)
        }
        writer.key("piece layers")
        writer.dictionary { writer in
            var last: [UInt8] = []
            for tree in layered where tree.root != last {
                writer.member(bytes: tree.root, v2Hashes[tree.layer])
                last = tree.root
            }
        }
    }
}

extension BencodeWriter {
    fileprivate mutating func member(bytes key: [UInt8], _ value: ArraySlice<UInt8>) {
        self.key(key)
        self.string(value)
    }
}
