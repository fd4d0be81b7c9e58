import BencodeCoding
import SwarmTypes

extension Metainfo {
    /// Reads a torrent file.
    public init(
        torrentFile bytes: [UInt8], hashing: MetainfoHashing, limits: MetainfoLimits = .standard
    ) throws(MetainfoFailure) {
        let document: BencodeDocument
        do throws(BencodeFailure) {
            document = try BencodeDocument(bytes, limits: limits.bencode)
        } catch {
            throw .bencoding(error)
        }
        guard let members = document.root.dictionary else { throw .notADictionary }
        guard let info = document.root["info"], info.kind == .dictionary else { throw .noInfo }
        // Of two, another client could take the other one.
        var infoCount = 0
        for member in members where member.key.elementsEqual("info".utf8) { infoCount += 1 }
        guard infoCount == 1 else { throw .duplicateKeys }
        // Where something is not canonical, the info dictionary is read on its own, so that its flaws are its own.
        try self.init(
            info: document.flaws.isEmpty ? info : nil, bytes: bytes[...], infoRange: info.rawRange,
            hashing: hashing, limits: limits, layers: document.root["piece layers"]
        ) { isPrivate in Announcement(of: document.root, isPrivate: isPrivate, limits: limits) }
    }

    /// Reads an info dictionary that came from peers (BEP 9).
    ///
    /// - Parameter announcement: what is known from elsewhere, as from a magnet link.
    public init(
        infoDictionary bytes: [UInt8], announcement: Announcement = Announcement(), hashing: MetainfoHashing,
        limits: MetainfoLimits = .standard
    ) throws(MetainfoFailure) {
        try self.init(
            info: nil, bytes: bytes[...], infoRange: bytes.indices, hashing: hashing, limits: limits,
            layers: nil
        ) { isPrivate in
            var announcement = announcement
            if isPrivate { announcement.nodes = [] }
            return announcement
        }
    }

    /// - Parameter known: the info dictionary where it has been read already and has no flaws.
    private init(
        info known: BencodeValue?, bytes: ArraySlice<UInt8>, infoRange: Range<Int>, hashing: MetainfoHashing,
        limits: MetainfoLimits,
        layers: BencodeValue?, announcement: (_ isPrivate: Bool) -> Announcement
    ) throws(MetainfoFailure) {
        guard infoRange.count <= limits.infoByteCount else {
            throw .infoTooLong(count: infoRange.count, limit: limits.infoByteCount)
        }
        let flaws: BencodeFlaws
        let info: BencodeValue
        if let known {
            (info, flaws) = (known, [])
        } else {
            (info, flaws) = try Self.decode(bytes[infoRange], limits)
        }
        guard info.kind == .dictionary else { throw .noInfo }
        let version = try Self.version(of: info, flaws: flaws)

        guard let rawName = info.preferredText("name.utf-8", "name") else { throw .noName }
        var ids: (v1: TorrentID?, v2: InfoHashV2?) = (nil, nil)
        if version != .v2 {
            ids.v1 = hashing.sha1(bytes[infoRange]).flatMap { TorrentID(bytes: $0) }
            guard ids.v1 != nil else { throw .hashingFailed }
        }
        if version != .v1 {
            ids.v2 = hashing.sha256(bytes[infoRange], infoRange.count).flatMap { InfoHashV2(bytes: $0) }
            guard ids.v2 != nil else { throw .hashingFailed }
        }
        let name = safeName(rawName) ?? ids.v1?.hex ?? ids.v2?.truncated.hex ?? "_"
        let pieceLength = try Self.pieceLength(of: info, version)

        var list = try FileList(info, name: name, version, pieceLength: pieceLength, limits: limits)
        guard list.totalLength > 0 else { throw .noContent }
        guard let geometry = PieceGeometry(totalLength: list.totalLength, pieceLength: pieceLength),
            geometry.pieceCount <= limits.pieceCount
        else { throw .tooManyPieces(limit: limits.pieceCount) }
        var pieces: Range<Int>?
        if version != .v2 { pieces = try Self.pieces(of: info, expected: geometry.pieceCount) }
        try list.makePathsUnique(limits)
        if version != .v1, let layers {
            try list.attach(layers, in: bytes, pieceLength: pieceLength, hashing: hashing)
        }

        self.bytes = bytes
        self.infoRange = infoRange
        self.version = version
        self.v1ID = ids.v1
        self.v2InfoHash = ids.v2
        self.name = name
        self.geometry = geometry
        self.files = list.files
        self.isMultiFile = list.isMultiFile
        self.isPrivate = (info["private"]?.integer ?? 0) != 0
        self.source = info["source"]?.looseText
        self.flaws = flaws
        self.pieces = pieces
        self.announcement = announcement(self.isPrivate)
    }

    private static func decode(
        _ bytes: ArraySlice<UInt8>, _ limits: MetainfoLimits
    ) throws(MetainfoFailure) -> (BencodeValue, BencodeFlaws) {
        do throws(BencodeFailure) {
            let document = try BencodeDocument(bytes, limits: limits.bencode)
            return (document.root, document.flaws)
        } catch {
            throw .bencoding(error)
        }
    }

    /// A newer version is named before anything else is found wrong (BEP 52).
    private static func version(
        of info: BencodeValue, flaws: BencodeFlaws
    ) throws(MetainfoFailure) -> TorrentVersion {
        let number = info["meta version"]?.integer ?? 1
        guard number == 1 || number == 2 else { throw .unsupportedVersion(number) }
        if flaws.contains(.duplicateKeys) { throw .duplicateKeys }
        guard number == 2 else {
            guard info["pieces"] != nil else { throw .noPieces }
            return .v1
        }
        guard flaws.isEmpty else { throw .notCanonical(flaws) }
        guard info["file tree"] != nil else { throw .noPieces }
        return info["pieces"] == nil ? .v2 : .hybrid
    }

    private static func pieceLength(
        of info: BencodeValue, _ version: TorrentVersion
    ) throws(MetainfoFailure) -> UInt32 {
        guard let length = info["piece length"]?.integer else { throw .noPieceLength }
        let isAllowed =
            version == .v1
            ? length > 0 : length >= Int64(PieceGeometry.blockLength) && length & (length - 1) == 0
        // The bound of `PieceGeometry`.
        guard isAllowed, length <= 1 << 30 else { throw .badPieceLength(length) }
        return UInt32(truncatingIfNeeded: length)
    }

    private static func pieces(
        of info: BencodeValue, expected: Int
    ) throws(MetainfoFailure) -> Range<Int> {
        guard let pieces = info["pieces"]?.bytes else { throw .noPieces }
        let (count, rest) = pieces.count.quotientAndRemainder(dividingBy: TorrentID.byteCount)
        guard rest == 0 else { throw .raggedPieces(byteCount: pieces.count) }
        guard count == expected else { throw .wrongPieceCount(expected: expected, found: count) }
        return pieces.indices
    }
}

extension BencodeValue {
    /// The bytes of the first of two strings that is UTF-8, or of the second.
    func preferredText(_ utf8Key: String, _ key: String) -> ArraySlice<UInt8>? {
        if let bytes = self[utf8Key]?.bytes, !bytes.isEmpty,
            String(validating: bytes, as: UTF8.self) != nil
        {
            return bytes
        }
        return self[key]?.bytes
    }

    /// Of a string; what is not UTF-8 is replaced.
    var looseText: String? { self.bytes.map { String(decoding: $0, as: UTF8.self) } }
}
