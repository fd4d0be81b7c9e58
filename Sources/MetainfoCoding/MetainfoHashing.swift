/// The two digests that a torrent is made of, given from outside. A closure answers nil when the machine cannot compute it.
public struct MetainfoHashing: Sendable {
    /// 20 bytes.
    public var sha1: @Sendable (ArraySlice<UInt8>) -> [UInt8]?
    /// The SHA-256 digests of each `chunk` bytes, one after another; the last chunk is what is left. The bytes are not empty and
    /// the chunk is at least one byte.
    public var sha256: @Sendable (_ bytes: ArraySlice<UInt8>, _ chunk: Int) -> [UInt8]?

    public init(
        sha1: @escaping @Sendable (ArraySlice<UInt8>) -> [UInt8]?,
        sha256: @escaping @Sendable (_ bytes: ArraySlice<UInt8>, _ chunk: Int) -> [UInt8]?
    ) {
        self.sha1 = sha1
        self.sha256 = sha256
    }
}
