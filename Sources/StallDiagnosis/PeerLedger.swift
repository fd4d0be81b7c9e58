public import SwarmTypes

/// What became of every peer of a torrent: bounded, and kept when connections end.
///
/// When it is full, the least telling entries go: first addresses that were never tried, then failed incoming
/// connections, then failed outgoing ones, each time the oldest. Connected peers stay. What went is still in
/// the counts.
public struct PeerLedger: Hashable, Sendable {
    public let capacity: Int
    /// In no particular order.
    public private(set) var entries: [PeerLedgerEntry] = []
    /// Of ended connections and attempts, by the code of their reason, also of peers that were forgotten.
    public private(set) var closures: [String: Int] = [:]
    /// Entries that went to make room, and new ones for which there was none.
    public private(set) var forgotten = 0
    /// Attempts to connect that we made.
    public private(set) var attempts = 0
    /// Connections whose handshake was complete, in both directions.
    public private(set) var handshakes = 0
    /// Incoming connections, whatever became of them.
    public private(set) var incoming = 0

    private var places: [PeerAddress: Int] = [:]

    public init(capacity: Int = 1000) { self.capacity = max(1, capacity) }

    public subscript(address: PeerAddress) -> PeerLedgerEntry? {
        self.places[address].map { self.entries[$0] }
    }

    /// An address was heard of. What is known already keeps its first source.
    public mutating func noted(_ address: PeerAddress, source: PeerSource, at now: Instant) {
        guard self.places[address] == nil else { return }
        self.insert(PeerLedgerEntry(address: address, source: source, changed: now))
    }

    /// It was never tried, and waits for a free connection.
    public mutating func queued(_ address: PeerAddress, at now: Instant) {
        self.update(address, source: .tracker, at: now) { entry in
            guard entry.outcome == .notTried else { return }
            entry.stage = .queued
            entry.changed = now
        }
    }

    public mutating func dialling(
        _ address: PeerAddress, transport: PeerTransport = .tcp, at now: Instant
    ) {
        self.attempts &+= 1
        self.update(address, source: .tracker, at: now) { entry in
            entry.opened(.outgoing, stage: .dialling, transport: transport, at: now)
        }
    }

    /// The transport is there: our attempt succeeded, or the peer came to us.
    public mutating func connected(_ address: PeerAddress, direction: ConnectionDirection, at now: Instant) {
        if direction == .incoming { self.incoming &+= 1 }
        self.update(address, source: direction == .incoming ? .incoming : .tracker, at: now) { entry in
            let transport = entry.outcome == .open ? entry.transport : .tcp
            entry.opened(direction, stage: .connected, transport: transport, at: now)
        }
    }

    /// Message Stream Encryption was agreed on.
    public mutating func encrypted(_ address: PeerAddress, at now: Instant) {
        self.update(address, source: .tracker, at: now) { $0.transport = .encrypted }
    }

    public mutating func reached(_ stage: PeerStage, by address: PeerAddress, at now: Instant) {
        // Also those of which it is only heard when they have come further.
        let isNew =
            stage >= .handshaken
            && self[address].map { $0.outcome == .open && $0.stage >= .handshaken } != true
        if isNew { self.handshakes &+= 1 }
        self.update(address, source: .tracker, at: now) { $0.reached(stage, at: now) }
    }

    public mutating func unchoked(by address: PeerAddress, at now: Instant) {
        self.update(address, source: .tracker, at: now) { entry in
            entry.reached(.unchoked, at: now)
            entry.timesUnchoked &+= 1
        }
    }

    /// Adds payload to what was told before. Meant for a timer or the end of a connection, not for every block.
    public mutating func transferred(
        down: Int64 = 0, up: Int64 = 0, with address: PeerAddress, at now: Instant
    ) {
        guard down > 0 || up > 0 else { return }
        self.update(address, source: .tracker, at: now) { entry in
            entry.reached(.transferring, at: now)
            entry.bytesDown = entry.bytesDown.addingReportingOverflow(max(0, down)).partialValue
            entry.bytesUp = entry.bytesUp.addingReportingOverflow(max(0, up)).partialValue
        }
    }

    /// A connection or an attempt ended; `retryAt` is nil when it is not tried again, or nobody knows when.
    public mutating func closed(
        _ address: PeerAddress, _ reason: CloseReason, at now: Instant, retryAt: Instant? = nil
    ) {
        self.closures[reason.code, default: 0] &+= 1
        self.update(address, source: .tracker, at: now) { $0.closed(reason, at: now, retryAt: retryAt) }
    }

    private mutating func update(
        _ address: PeerAddress, source: PeerSource, at now: Instant, _ change: (inout PeerLedgerEntry) -> Void
    ) {
        if let place = self.places[address] {
            change(&self.entries[place])
        } else {
            var entry = PeerLedgerEntry(address: address, source: source, changed: now)
            change(&entry)
            self.insert(entry)
        }
    }

    private mutating func insert(_ entry: PeerLedgerEntry) {
        if self.entries.count >= self.capacity { self.makeRoom() }
        guard self.entries.count < self.capacity else {
            self.forgotten &+= 1
            return
        }
        self.places[entry.address] = self.entries.count
        self.entries.append(entry)
    }

    /// The same with so many entries at most, those that tell the most; what goes is still in the counts.
    public func condensed(to count: Int) -> PeerLedger {
        guard self.entries.count > count else { return self }
        var ledger = self
        let ranked = self.entries.sorted { ($0.tellingness, $0.changed) > ($1.tellingness, $1.changed) }
        ledger.entries = Array(ranked.prefix(max(0, count)))
        ledger.places = [:]
        for (place, entry) in ledger.entries.enumerated() { ledger.places[entry.address] = place }
        ledger.forgotten &+= self.entries.count - ledger.entries.count
        return ledger
    }

    /// A sixteenth at a time, so that a flood of addresses costs one sort for every sixteenth.
    private mutating func makeRoom() {
        let free = self.entries.indices.filter { self.entries[$0].outcome != .open }
        let ranked = free.sorted { left, right in
            let (left, right) = (self.entries[left], self.entries[right])
            return (left.tellingness, left.changed) < (right.tellingness, right.changed)
        }
        let going = ranked.prefix(max(1, self.capacity / 16)).sorted(by: >)
        for place in going {
            self.places[self.entries[place].address] = nil
            let last = self.entries.count - 1
            if place != last {
                self.entries[place] = self.entries[last]
                self.places[self.entries[place].address] = place
            }
            self.entries.removeLast()
        }
        self.forgotten &+= going.count
    }
}
