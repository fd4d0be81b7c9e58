/// What the user wants of a piece. A higher one is fetched before all of a lower one.
public enum PiecePriority: UInt8, Hashable, CaseIterable, Sendable, Comparable {
    case skip, low, normal, high

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// In which order pieces are fetched.
public enum PieceOrder: Hashable, Sendable {
    case rarestFirst
    /// Lowest number first, whatever its priority; pieces to skip are skipped.
    case sequential
}

public enum PieceState: Hashable, Sendable {
    case skipped
    case missing
    /// In blocks; what is neither is free to be asked for.
    case open(received: Int, requested: Int, of: Int)
    /// All blocks are here, the hash is not known yet.
    case awaitingHash
    case verified
}
