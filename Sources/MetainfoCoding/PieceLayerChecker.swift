import BencodeCoding
import SwarmTypes

/// Holds the `piece layers` of a torrent file against the roots in its info dictionary (BEP 52).
struct PieceLayerChecker {
    private let pieceLength: Int64
    private var layers: [InfoHashV2: Range<Int>] = [:]
    /// Equal files share a root and a layer, which is hashed once however many they are.
    private var proved: Set<InfoHashV2> = []

    init(_ value: BencodeValue, pieceLength: UInt32) throws(MetainfoFailure) {
        self.pieceLength = Int64(pieceLength)
        guard let members = value.dictionary else { throw .badPieceLayers }
        for (key, layer) in members {
            guard let root = InfoHashV2(bytes: key), let layer = layer.bytes,
                layer.count.isMultiple(of: InfoHashV2.byteCount),
                self.layers.updateValue(layer.indices, forKey: root) == nil
            else { throw .badPieceLayers }
        }
    }

    /// Nil when the torrent file has none for it, so that peers have to be asked.
    mutating func layer(
        ofFile file: Int, length: Int64, root: ArraySlice<UInt8>, in bytes: ArraySlice<UInt8>,
        _ hashing: MetainfoHashing
    ) throws(MetainfoFailure) -> Range<Int>? {
        guard let key = InfoHashV2(bytes: root), let layer = self.layers[key] else { return nil }
        let count = (length - 1) / self.pieceLength + 1
        guard Int64(layer.count / InfoHashV2.byteCount) == count else { throw .badPieceLayer(file: file) }
        if !self.proved.contains(key) {
            let found = merkleRoot(
                ofLayer: bytes[layer], covering: Int(self.pieceLength), hashing: hashing)
            guard let found else { throw .hashingFailed }
            guard root.elementsEqual(found) else { throw .badPieceLayer(file: file) }
            self.proved.insert(key)
        }
        return layer
    }

    func finish() throws(MetainfoFailure) {
        guard self.proved.count == self.layers.count else { throw .unknownPieceLayer }
    }
}
