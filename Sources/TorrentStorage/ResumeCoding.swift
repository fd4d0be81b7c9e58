package import SwarmTypes

/// The blobs of the record's columns. Numbers are seven bits a byte, lowest first, with the top bit on all but the last.
/// Reading takes any bytes; what is not whole answers nil.
package enum ResumeCoding {
    // MARK: Pieces: nothing, one byte 1 for all, or a byte 0 and BEP 3's bitfield.

    package static func bytes(of pieces: SavedPieces) -> [UInt8] {
        switch pieces {
        case .none: []
        case .all: [1]
        case .some(let bits): [0] + bits.wireBytes
        }
    }

    package static func pieces(_ bytes: some Collection<UInt8>, count: Int) -> SavedPieces? {
        guard let kind = bytes.first else { return SavedPieces.none }
        if kind == 1, bytes.count == 1 { return .all }
        guard kind == 0, let bits = Bitfield(wireBytes: bytes.dropFirst(), count: count) else { return nil }
        return SavedPieces(bits)
    }

    // MARK: Blocks of partial pieces: for each the piece, the number of blocks, and their bit field.

    package static func bytes(of partials: [PartialPiece]) -> [UInt8] {
        var bytes: [UInt8] = []
        for partial in partials {
            self.append(UInt64(partial.piece), to: &bytes)
            self.append(UInt64(partial.blocks.count), to: &bytes)
            bytes += partial.blocks.wireBytes
        }
        return bytes
    }

    package static func partials(_ bytes: [UInt8], pieceCount: Int) -> [PartialPiece]? {
        var partials: [PartialPiece] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let piece = self.number(&rest), let count = self.number(&rest), piece < UInt64(pieceCount),
                count <= UInt64(rest.count) * 8
            else { return nil }
            let length = (Int(count) + 7) / 8
            guard rest.count >= length,
                let blocks = Bitfield(wireBytes: rest.prefix(length), count: Int(count))
            else { return nil }
            partials.append(PartialPiece(piece: Int(piece), blocks: blocks))
            rest = rest.dropFirst(length)
        }
        return partials
    }

    // MARK: Files: for each its size plus one with the settled bit below, and the time it changed.

    package static func bytes(of files: [FileStamp]) -> [UInt8] {
        var bytes: [UInt8] = []
        for file in files {
            let size = UInt64(bitPattern: max(-1, file.size) &+ 1)
            self.append(size << 1 | (file.isSettled ? 1 : 0), to: &bytes)
            self.append(UInt64(bitPattern: file.changedAt), to: &bytes)
        }
        return bytes
    }

    package static func files(_ bytes: [UInt8]) -> [FileStamp]? {
        var files: [FileStamp] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let size = self.number(&rest), let changedAt = self.number(&rest) else { return nil }
            files.append(
                FileStamp(
                    size: Int64(bitPattern: size >> 1) - 1, changedAt: Int64(bitPattern: changedAt),
                    isSettled: size & 1 == 1))
        }
        return files
    }

    // MARK: A selection: the number of files and their bit field; nothing for all.

    package static func bytes(of selection: Bitfield?) -> [UInt8] {
        guard let selection else { return [] }
        var bytes: [UInt8] = []
        self.append(UInt64(selection.count), to: &bytes)
        return bytes + selection.wireBytes
    }

    package static func selection(_ bytes: [UInt8]) -> Bitfield?? {
        guard !bytes.isEmpty else { return .some(nil) }
        var rest = bytes[...]
        guard let count = self.number(&rest), count <= UInt64(rest.count) * 8 else { return nil }
        return Bitfield(wireBytes: rest, count: Int(count)).map { .some($0) }
    }

    // MARK: Numbers

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            guard shift < 63 || (shift == 63 && byte <= 1) else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}
