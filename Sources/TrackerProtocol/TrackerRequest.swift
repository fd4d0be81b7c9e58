public import SwarmTypes

/// What is asked of a tracker.
public enum TrackerRequest: Hashable, Sendable {
    case announce(AnnounceRequest)
    case scrape([TorrentID])

    /// A UDP packet holds no more (BEP 15); over HTTP it is `TrackerURL.maximumScrapedTorrents`.
    public static let maximumScrapedTorrents = 74
}

/// What a tracker answers.
public enum TrackerReply: Equatable, Sendable {
    case announced(AnnounceAnswer)
    case scraped(ScrapeAnswer)
}
