import Digests
public import MetainfoCoding

extension MetainfoHashing {
    /// By OpenSSL.
    public static let openSSL = MetainfoHashing(
        sha1: { try? digest(.sha1, of: Array($0)) },
        sha256: { bytes, chunk in
            var digests: [UInt8] = []
            var start = bytes.startIndex
            while start < bytes.endIndex {
                let end = min(bytes.endIndex, start + chunk)
                guard let one = try? digest(.sha256, of: Array(bytes[start..<end])) else { return nil }
                digests += one
                start = end
            }
            return digests
        })
}
