import ByteCoding
import SwarmTypes

/// The packets of BEP 15 and 41, all numbers big-endian.
enum UDPTrackerPacket {
    enum Action: UInt32 { case connect = 0, announce, scrape, error }

    /// Marks a connect request.
    static let protocolID: UInt64 = 0x417_2710_1980

    static func connect(transaction: UInt32) -> [UInt8] {
        var packet: [UInt8] = []
        packet.append(bigEndian: Self.protocolID)
        packet.append(bigEndian: Action.connect.rawValue)
        packet.append(bigEndian: transaction)
        return packet
    }

    /// - Parameter url: what an announce tells of its path and query.
    static func request(
        _ request: TrackerRequest, url: TrackerURL, connection: UInt64, transaction: UInt32
    ) -> [UInt8] {
        var packet: [UInt8] = []
        packet.append(bigEndian: connection)
        packet.append(bigEndian: request.action.rawValue)
        packet.append(bigEndian: transaction)
        switch request {
        case .announce(let announce): packet.appendAnnounce(announce, url: url)
        case .scrape(let torrents):
            for torrent in torrents.prefix(TrackerRequest.maximumScrapedTorrents) {
                packet += torrent.bytes
            }
        }
        return packet
    }

    /// The start of every reply.
    struct Header {
        var action: Action
        var transaction: UInt32
        var body: ByteReader

        /// Nil for what is too short or of no known kind.
        init?(_ datagram: ArraySlice<UInt8>) {
            var reader = ByteReader(datagram)
            guard let number = reader.number(UInt32.self), let action = Action(rawValue: number),
                let transaction = reader.number(UInt32.self)
            else { return nil }
            self.action = action
            self.transaction = transaction
            self.body = reader
        }
    }
}

extension TrackerRequest {
    var action: UDPTrackerPacket.Action {
        switch self {
        case .announce: .announce
        case .scrape: .scrape
        }
    }

    /// Reads the reply to this request; nil when it is too short to be one.
    ///
    /// - Parameter isIPv6: over which family the packet came, which decides how long an address in it is.
    func reply(_ body: ByteReader, isIPv6: Bool) -> TrackerReply? {
        var body = body
        switch self {
        case .announce:
            guard let interval = body.number(UInt32.self), let leeches = body.number(UInt32.self),
                let seeds = body.number(UInt32.self)
            else { return nil }
            var answer = AnnounceAnswer(
                interval: interval > 0 ? interval : nil, counts: SwarmCounts(seeds: seeds, leeches: leeches))
            answer.keep(compact: body.rest, stride: isIPv6 ? 18 : 6)
            return .announced(answer)
        case .scrape(let torrents):
            var answer = ScrapeAnswer()
            for torrent in torrents.prefix(Self.maximumScrapedTorrents) {
                guard let seeds = body.number(UInt32.self), let completions = body.number(UInt32.self),
                    let leeches = body.number(UInt32.self)
                else { break }
                answer.counts[torrent] = SwarmCounts(
                    seeds: seeds, leeches: leeches, completions: completions)
            }
            return answer.counts.isEmpty && !torrents.isEmpty ? nil : .scraped(answer)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendAnnounce(_ announce: AnnounceRequest, url: TrackerURL) {
        self += announce.torrent.bytes
        self += announce.peerID.bytes
        self.append(bigEndian: announce.downloaded)
        self.append(bigEndian: announce.left)
        self.append(bigEndian: announce.uploaded)
        let event: UInt32 =
            switch announce.event {
            case .none: 0
            case .completed: 1
            case .started: 2
            case .stopped: 3
            // Not in BEP 15; what libtorrent sends.
            case .paused: 4
            }
        self.append(bigEndian: event)
        // Our address is the one that the packet comes from.
        self.append(bigEndian: 0 as UInt32)
        self.append(bigEndian: announce.key)
        self.append(bigEndian: UInt32(announce.wantedPeers))
        self.append(bigEndian: announce.port)
        self.appendURLData(url.path + url.query)
    }

    /// The URL's path and query, in which private trackers keep the passkey, in options of up to 255 bytes (BEP 41).
    private mutating func appendURLData(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let part = rest.prefix(255)
            self.append(2)
            self.append(UInt8(truncatingIfNeeded: part.count))
            self += part
            rest = rest.dropFirst(part.count)
        }
    }
}
