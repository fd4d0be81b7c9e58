public import SwarmTypes

extension PeerBook {
    /// Up to `count` addresses to dial now, best first: those that failed least, among them by BEP 40's priority when
    /// our own address is known, else by lot. Seeds are left out when we are one.
    public func candidates(
        _ count: Int, ownAddress: PeerAddress?, weAreSeed: Bool, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) -> [PeerKey] {
        guard count > 0 else { return [] }
        let second = self.seconds(at: now)
        var found: [(rank: UInt64, number: UInt16)] = []
        for number in self.records.indices {
            let record = self.records[number]
            guard record.stage == .idle, record.notBefore <= second, !(weAreSeed && record.isSeed) else {
                continue
            }
            let priority =
                ownAddress.map { canonicalPriority(of: $0, and: record.address) } ?? random.next() as UInt32
            let rank = UInt64(record.failureCount) << 32 | UInt64(~priority)
            found.append((rank, UInt16(truncatingIfNeeded: number)))
        }
        found.sort { ($0.rank, $0.number) < ($1.rank, $1.number) }
        return found.prefix(count).map { self.key(of: $0.number) }
    }

    /// When the next address may be dialled; nil when there is none to wait for.
    public func nextCandidateAt(weAreSeed: Bool) -> Instant? {
        var earliest: UInt32?
        for record in self.records where record.stage == .idle && !(weAreSeed && record.isSeed) {
            earliest = min(earliest ?? .max, record.notBefore)
        }
        return earliest.map { self.instant(ofSecond: $0) }
    }

    public func peer(_ key: PeerKey) -> KnownPeer? { self.number(of: key).map { self.known($0) } }

    /// Everything known, for diagnosis.
    public var all: [KnownPeer] {
        self.records.indices.lazy.filter { self.records[$0].stage != .unused }
            .map { self.known(UInt16(truncatingIfNeeded: $0)) }
    }

    private func known(_ number: UInt16) -> KnownPeer {
        let record = self.records[Int(number)]
        let stage: KnownPeer.Stage =
            switch record.stage {
            case .unused, .idle: .idle(until: self.instant(ofSecond: record.notBefore))
            case .dialling: .dialling
            case .connected: .connected
            case .unreachable: .unreachable
            case .banned: .banned
            case .ourselves: .ourselves
            }
        return KnownPeer(
            key: self.key(of: number), address: record.address, sources: record.sources, stage: stage,
            failureCount: Int(record.failureCount), lastReason: record.lastReason)
    }
}
