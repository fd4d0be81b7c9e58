public import SwarmTypes

/// When trackers are asked again. Seconds.
public enum AnnounceTiming {
    /// Where a tracker names no interval.
    public static let defaultInterval: Double = 1800
    /// An interval is lengthened by up to so much, never shortened, so that many torrents drift apart.
    public static let intervalJitter = 1.0...1.05
    /// Whatever a tracker says, a working one is asked again within a day.
    public static let longestInterval: Double = 86_400
    /// Between announces without an event, also when a person asks for one.
    public static let floorByHand: Double = 60
    /// The same when we want peers, where the tracker names no minimum.
    public static let floorForPeers: Double = 300
    /// How long the farewells of a session that nobody begins again may take: so long that a tracker forgets a peer by itself.
    public static let farewellLifetime: Double = 7200
    /// How long one has when somebody waits for it: the torrent that begins again, or the end of the program.
    public static let farewellPatience: Double = 5
    /// At the end of the program all of them together have that, and a second more for so many; but so long at most.
    public static let farewellsEachSecond: Double = 100
    public static let longestEnd: Double = 30
    /// A torrent is new for so long; a tracker that does not know it yet is asked again soon.
    public static let newTorrentAge: Double = 300
    public static let unregisteredRetry: Double = 10
    public static let retryJitter = 0.8...1.2
    public static let longestRetry: Double = 3600

    /// How long a torrent of a whole collection waits at the program's start: a share of `seconds` that its
    /// identifier decides, so that all of them spread evenly and each always waits the same.
    public static func startDelay(of torrent: TorrentID, within seconds: Double = 1800) -> Double {
        let number = torrent.bytes.prefix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        return seconds * Double(number) / Double(UInt32.max)
    }

    /// The wait after so many failures in a row, before jitter: 17.5 s, 55 s, 118 s … up to an hour.
    public static func retry(afterFailures failures: Int) -> Double {
        let count = Double(min(max(failures, 1), 1000))
        return min(5 + 5 * count * count * 2.5, Self.longestRetry)
    }
}
