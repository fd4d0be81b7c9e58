/// What a peer may announce. Every limit is checked on the length prefix, before a byte of the message is kept.
public enum MessageLimits {
    /// Of any frame, without its prefix. Longer ones end the connection whatever their kind.
    public static let frame: UInt32 = 1024 * 1024
    /// Of the data in a `piece`, and of a range that a peer may ask for. Everybody asks for 16 KiB.
    public static let block: UInt32 = 128 * 1024
    /// Of an `extended` message without its two numbers. The longest real ones carry 16 KiB of metadata (BEP 9).
    public static let extended: UInt32 = 128 * 1024
    /// Of empty frames with nothing between them: at one a minute, a week.
    public static let keepAlivesInARow = 10_000
}
