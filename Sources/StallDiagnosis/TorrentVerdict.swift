public import SwarmTypes

/// A reason and how many peers have it.
public struct Contributor: Hashable, Sendable {
    public let reason: PeerReason
    public let count: Int
    /// The worst among them.
    public let severity: Severity
    public let example: PeerAddress
}

/// What a torrent as a whole is waiting for.
public struct TorrentVerdict: Hashable, Sendable {
    public let code: VerdictCode
    /// One plain sentence with the numbers that matter.
    public let headline: String
    public let evidence: [Fact]
    public let remedy: String?
    /// Of all peers, connected or not, most frequent first.
    public let contributors: [Contributor]

    public var severity: Severity { self.code.severity }
}

/// The one verdict that the ordered rules give: the first that fits.
public func diagnose(_ torrent: TorrentSnapshot) -> TorrentVerdict {
    let situation = Situation(torrent)
    let draft = situation.firstFitting()
    return TorrentVerdict(
        code: draft.code, headline: draft.headline, evidence: draft.evidence, remedy: draft.code.remedy,
        contributors: situation.tally.contributors)
}
