/// The newest events of the list of torrents, for a reader that comes back and says what it saw last.
struct EventRing: Sendable {
    static let maximumEvents = 600
    static let maximumBytes = 4 << 20

    private var events: [(id: UInt64, bytes: [UInt8])] = []
    private var bytes = 0
    /// Of this revision and all later ones everything is here.
    private(set) var floor: UInt64 = 0
    private(set) var newest: UInt64 = 0

    mutating func append(_ event: [UInt8], id: UInt64) {
        self.events.append((id, event))
        self.bytes += event.count
        self.newest = id
        var dropped = 0
        while self.events.count - dropped > Self.maximumEvents || self.bytes > Self.maximumBytes {
            self.floor = self.events[dropped].id
            self.bytes -= self.events[dropped].bytes.count
            dropped += 1
        }
        if dropped > 0 { self.events.removeFirst(dropped) }
    }

    /// Nothing before this is kept.
    mutating func forget(upTo id: UInt64) {
        self.events = []
        self.bytes = 0
        self.floor = max(self.floor, id)
        self.newest = max(self.newest, id)
    }

    /// What came after; nil when that is not known any more.
    func events(after id: UInt64) -> [UInt8]? {
        guard id >= self.floor else { return nil }
        return self.events.reduce(into: []) { if $1.id > id { $0.append(contentsOf: $1.bytes) } }
    }
}

/// A revision of the list in one run of the service: another run counts anew.
struct ListMark: Hashable, Sendable {
    /// Differs from run to run.
    var run: UInt64
    var revision: UInt64

    init(run: UInt64, revision: UInt64) {
        self.run = run
        self.revision = revision
    }

    /// Reads what `text` was; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let run = UInt64(parts[0]), let revision = UInt64(parts[1]) else {
            return nil
        }
        self.init(run: run, revision: revision)
    }

    var text: String { "\(self.run).\(self.revision)" }
}

/// One server-sent event; the data is one line.
func serverSentEvent(_ name: String, id: ListMark? = nil, _ data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.count + 64)
    if let id { bytes.append(contentsOf: "id: \(id.text)\n".utf8) }
    bytes.append(contentsOf: "event: \(name)\ndata: ".utf8)
    bytes.append(contentsOf: data)
    bytes.append(contentsOf: "\n\n".utf8)
    return bytes
}
