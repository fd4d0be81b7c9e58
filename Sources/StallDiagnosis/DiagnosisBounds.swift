/// The seconds and shares by which the rules tell what is normal from what is not.
enum DiagnosisBounds {
    /// Payload younger than this counts as moving.
    static let recentPayload = 10.0
    /// A torrent that has just started is given this long.
    static let start = 30.0
    /// BEP 3's bitfield comes right after the handshake; half a minute covers slow lines.
    static let bitfieldExpected = 10.0
    static let bitfieldProblem = 60.0
    static let handshake = 10.0
    /// Peers may take 30 to 60 s to unchoke a newcomer, and rotate every 30 s.
    static let unchokeExpected = 60.0
    static let unchokeProblem = 300.0
    static let request = 10.0
    static let requestProblem = 60.0
    static let silence = 20.0
    static let metadata = 30.0
    static let idleSlot = 60.0
    /// Rejects in a row that are no longer the end of an unchoke.
    static let rejectsProblem = 10
    /// Failed attempts after which "nobody connects" is said although others were not tried yet.
    static let attemptsToJudge = 10
    /// Of failed attempts: one reason with this share is the reason.
    static let dominantShare = 0.8
    /// Torrents that must share a failure before the line is blamed and not the swarm.
    static let torrentsToBlameLine = 3
    static let corruptPieces = 3
    /// Below this many bytes a second a single holder of the last pieces is worth a word.
    static let slowRate: Int64 = 16 * 1024
    /// A tracker that failed this often and waits this long is held up by our own back-off.
    static let backoffFailures = 5
    static let backoffSeconds = 600.0
}
