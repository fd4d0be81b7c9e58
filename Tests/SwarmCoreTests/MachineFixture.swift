import PeerPolicy
import PeerProtocol
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TestKit

/// A machine with a small torrent, driven by hand.
struct MachineFixture {
    static let start = Instant(nanoseconds: 1_000_000_000_000)

    var core: SwarmCore
    var random = SplitMix64(seed: 1)
    var actions: [SwarmAction] = []
    var now = MachineFixture.start
    let geometry: PieceGeometry

    /// Four pieces of four blocks.
    init(isSeed: Bool = false, isMagnet: Bool = false, settings: SwarmSettings = SwarmSettings()) {
        guard let geometry = PieceGeometry(totalLength: 16 * 16384, pieceLength: 65536),
            let torrent = TorrentID(bytes: [UInt8](repeating: 1, count: 20)),
            let id = PeerID(bytes: [UInt8](repeating: 100, count: 20))
        else { preconditionFailure("a torrent has bytes") }
        self.geometry = geometry
        self.core = SwarmCore(id: torrent, ownID: id, isPrivate: false, settings: settings, at: self.now)
        if !isMagnet { self.begin(isSeed: isSeed) }
    }

    /// The pieces become known.
    mutating func begin(isSeed: Bool = false) {
        let have = isSeed ? Bitfield(allSet: 4) : Bitfield(count: 4)
        self.core.begin(self.geometry, have: have, at: self.now, using: &self.random, into: &self.actions)
    }

    static func address(_ number: UInt8, port: UInt16 = 6881) -> PeerAddress {
        PeerAddress(ipv4: 0x5D00_0000 | UInt32(number), port: port)
    }

    mutating func join(
        _ number: UInt8, from address: PeerAddress? = nil, isOutgoing: Bool = false
    ) -> Result<PeerSlot, JoinRefusal> {
        let address = address ?? Self.address(number, port: isOutgoing ? 6881 : 30_000 + UInt16(number))
        if isOutgoing, let key = self.core.book.add(address, from: .tracker, at: self.now) {
            self.core.book.startedDialling(key)
        }
        guard let id = PeerID(bytes: [UInt8](repeating: number, count: 20)) else {
            preconditionFailure("an id has twenty bytes")
        }
        let facts = PeerFacts(
            address: address, direction: isOutgoing ? .outgoing : .incoming, id: id, supportsFast: true,
            supportsExtensions: true, isEncrypted: false)
        return self.core.join(facts, at: self.now, into: &self.actions)
    }

    /// A seed that has unchoked us.
    mutating func joinSeed(_ number: UInt8) throws(JoinRefusal) -> PeerSlot {
        let slot = try self.join(number).get()
        self.receive(.haveAll, from: slot)
        self.receive(.unchoke, from: slot)
        return slot
    }

    mutating func receive(_ message: PeerMessage, from slot: PeerSlot) {
        self.core.received(message, from: slot, at: self.now, using: &self.random, into: &self.actions)
        self.core.flush(slot, at: self.now, using: &self.random, into: &self.actions)
    }

    /// Lets time pass, with a tick each second.
    mutating func wait(seconds: Int) {
        for _ in 0..<seconds {
            self.now = self.now.advanced(bySeconds: 1)
            self.core.tick(at: self.now, using: &self.random, into: &self.actions)
        }
    }

    /// What the slot was asked since the last call, whoever else was asked.
    mutating func takeRequests(of slot: PeerSlot) -> [Block] {
        defer { self.actions = [] }
        return self.actions.compactMap { action in
            if case .send(slot, .request(let block)) = action { block } else { nil }
        }
    }
}
