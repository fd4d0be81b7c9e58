/// Whether connections use Message Stream Encryption, which hides BitTorrent from a cursory look.
public enum EncryptionPolicy: String, Hashable, CaseIterable, Sendable {
    /// Plain connections only.
    case off
    /// Outgoing connections try it when a plain one was refused; incoming ones are as the peer likes. Plain
    /// connections cost less, and most peers take them.
    case allow
    /// Outgoing connections try it first; incoming ones are as the peer likes.
    case prefer
    /// Nothing but RC4 from the first byte to the last.
    case require
}
