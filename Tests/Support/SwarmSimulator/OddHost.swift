import PeerProtocol
public import SwarmTypes
import TestKit

/// The one thing that a host does wrong.
public enum Oddity: String, Hashable, Sendable, CaseIterable {
    // Before a handshake.
    case refuses, unreachable, dropsDials, resetsAtOnce, closesAtOnce, saysNothing, speaksHTTP, wrongTorrent
    /// Closes when anything but an encrypted handshake comes.
    case wantsEncryption
    case breaksEncryption

    // After it.
    case handshakeOnly, closesAfterHandshake, noBitfield, hasNothing, badBitfield, pieceOutOfRange
    /// Has one piece, and chokes everybody.
    case chokesAsLeech
    case offersNoMetadata, rejectsMetadata, keepsMetadata
    case fastWithoutFast, oversizedFrame, badLengthFrame, badExtension
    case chokesForEver, stalls, stallsSilently, chokesAfterUnchoke, rejectsAll, corruptsAll, floodsUnrequested
    case leavesAfterBlock, asksNonsense, exchangesTooOften

    // Good peers, for company and for seeding to.
    case honest
    /// Has nothing, and: wants nothing, wants everything and never asks.
    case notInterested, interestedOnly
}

/// A host that does one thing wrong and everything else right.
public final class OddHost: SimulatedHost {
    public let number: Int
    public var address: PeerAddress { SwarmSimulation.address(self.number) }
    public var line: SimulatedLine
    public let oddity: Oddity
    unowned let world: SwarmSimulation
    private var random: SplitMix64
    private let id: PeerID
    private var visits: [OddVisit] = []
    public private(set) var blocksSent = 0

    public init(
        _ number: Int, in world: SwarmSimulation, _ oddity: Oddity, line: SimulatedLine = SimulatedLine()
    ) {
        self.number = number
        self.world = world
        self.oddity = oddity
        self.line = line
        self.random = SplitMix64(seed: world.random.next())
        self.id = PeerID.own(using: &self.random)
    }

    public func started(in world: SwarmSimulation) { world.tracker.register(self.address) }

    /// Connects to somebody by itself, once.
    public func dial(_ address: PeerAddress) { self.world.dial(address, from: self) }

    public func answer(_ dialler: PeerAddress) -> DialAnswer {
        switch self.oddity {
        case .refuses: .refuse
        case .unreachable: .unreachable
        case .dropsDials: .nothing
        default: .accept
        }
    }

    public func accepted(_ end: ConnectionEnd) {
        end.tag = self.visits.count
        self.visits.append(OddVisit(end: end))
        switch self.oddity {
        case .resetsAtOnce: self.world.close(end, isReset: true)
        case .closesAtOnce: self.world.close(end)
        case .speaksHTTP: self.send(bytes: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), end)
        default: break
        }
    }

    public func dialled(_ address: PeerAddress, _ result: Result<ConnectionEnd, DialFailure>) {
        guard case .success(let end) = result else { return }
        self.accepted(end)
        self.visits[end.tag].hasSaidHello = true
        self.send(bytes: self.handshake.bytes, end)
    }

    private var handshake: Handshake {
        var torrent = self.world.torrent
        if self.oddity == .wrongTorrent, let other = TorrentID(bytes: [UInt8](repeating: 7, count: 20)) {
            torrent = other
        }
        return Handshake(infoHash: torrent, peerID: self.id, supportsFast: self.oddity != .fastWithoutFast)
    }

    public func received(_ packet: Packet, on end: ConnectionEnd) {
        switch packet {
        case .bytes(let bytes): self.opened(bytes, end)
        case .messages(let messages): for message in messages where end.isOpen { self.heard(message, end) }
        case .block: break
        }
    }

    private func opened(_ bytes: [UInt8], _ end: ConnectionEnd) {
        guard !self.visits[end.tag].isOpen else { return }
        self.visits[end.tag].input += bytes
        let input = self.visits[end.tag].input
        let isPlain = input.first == 19
        switch self.oddity {
        case .saysNothing, .speaksHTTP: return
        case .wantsEncryption: return isPlain ? self.world.close(end) : ()
        case .breaksEncryption where !isPlain:
            return self.send(bytes: [UInt8](repeating: 0xAA, count: 900), end)
        default: break
        }
        guard isPlain else { return self.world.close(end) }
        guard Handshake(bytes: input.prefix(Handshake.byteCount)) != nil else { return }
        self.visits[end.tag].isOpen = true
        self.greet(end)
        if self.oddity != .wrongTorrent { self.introduce(end) }
    }

    private func greet(_ end: ConnectionEnd) {
        guard !self.visits[end.tag].hasSaidHello else { return }
        self.visits[end.tag].hasSaidHello = true
        self.send(bytes: self.handshake.bytes, end)
    }

    /// What comes right after the handshake.
    private func introduce(_ end: ConnectionEnd) {
        let pieces = self.world.geometry.pieceCount
        self.keepAlive(end)
        switch self.oddity {
        case .handshakeOnly, .noBitfield: break
        case .closesAfterHandshake: self.world.close(end)
        case .hasNothing, .exchangesTooOften: self.say(.haveNone, end)
        case .notInterested: self.say(.haveNone, end)
        case .interestedOnly:
            self.say(.haveNone, end)
            self.say(.interested, end)
        case .asksNonsense:
            self.say(.haveNone, end)
            let nonsense = Block(piece: 0, offset: 0, length: 1 << 20)
            self.world.send(.messages(Array(repeating: .request(nonsense), count: 400)), on: end)
        case .chokesAsLeech: self.say(.have(0), end)
        case .offersNoMetadata: self.offerMetadata(nil, end)
        case .rejectsMetadata, .keepsMetadata: self.offerMetadata(20_000, end)
        case .badBitfield: self.say(.bitfield([UInt8](repeating: 0xFF, count: pieces / 8 + 9)), end)
        case .pieceOutOfRange: self.send(bytes: PeerMessage.have(UInt32(pieces + 5)).bytes, end)
        case .fastWithoutFast: self.send(bytes: PeerMessage.haveAll.bytes, end)
        case .oversizedFrame: self.send(bytes: [0x00, 0x20, 0x00, 0x01, 0x07], end)
        case .badLengthFrame: self.send(bytes: [0, 0, 0, 3, 6, 0, 0], end)
        case .badExtension: self.say(.extended(id: 0, payload: Array("no dictionary".utf8)), end)
        default: self.say(.haveAll, end)
        }
        if self.oddity == .exchangesTooOften { self.floodContacts(end) }
    }

    private func floodContacts(_ end: ConnectionEnd) {
        let message = PeerExchangeMessage(added: [PeerContact(self.address)], dropped: [])
        for _ in 0..<40 {
            self.say(.extended(id: ExtensionKind.peerExchange.rawValue, payload: message.payload), end)
        }
    }

    /// Once a minute, but for those that fall silent.
    private func keepAlive(_ end: ConnectionEnd) {
        switch self.oddity {
        case .handshakeOnly, .stallsSilently: return
        default: self.world.fire(.keepAlive(end), of: self, afterSeconds: 60)
        }
    }

    public func fired(_ timer: HostTimer) {
        guard case .keepAlive(let end) = timer, end.isOpen else { return }
        self.say(.keepAlive, end)
        self.keepAlive(end)
    }

    private func heard(_ message: PeerMessage, _ end: ConnectionEnd) {
        switch message {
        case .interested: self.wanted(end)
        case .request(let block): self.asked(for: block, end)
        case .extended(let id, let payload):
            self.askedForMetadata(ExtensionMessage(id: id, payload: payload), end)
        default: break
        }
    }

    private func offerMetadata(_ size: Int?, _ end: ConnectionEnd) {
        var handshake = ExtensionHandshake()
        let kind: ExtensionKind = size == nil ? .peerExchange : .metadata
        handshake.numbers[kind] = kind.rawValue
        handshake.metadataSize = size
        self.say(.extended(id: 0, payload: handshake.payload), end)
        self.say(.haveAll, end)
    }

    private func askedForMetadata(_ message: ExtensionMessage?, _ end: ConnectionEnd) {
        guard self.oddity == .rejectsMetadata, case .metadata(.request(let piece))? = message else { return }
        let answer = MetadataMessage.reject(piece: piece)
        self.say(.extended(id: ExtensionKind.metadata.rawValue, payload: answer.payload), end)
    }

    private func wanted(_ end: ConnectionEnd) {
        switch self.oddity {
        case .chokesForEver, .chokesAsLeech: return
        default: self.say(.unchoke, end)
        }
        if self.oddity == .chokesAfterUnchoke { self.say(.choke, end) }
        guard self.oddity == .floodsUnrequested else { return }
        let geometry = self.world.geometry
        for piece in 0..<geometry.pieceCount {
            for number in 0..<geometry.blockCount(ofPiece: piece) {
                self.send(geometry.block(number, ofPiece: piece), end)
                self.send(geometry.block(number, ofPiece: piece), end)
            }
        }
    }

    private func asked(for block: Block, _ end: ConnectionEnd) {
        switch self.oddity {
        case .stalls, .stallsSilently, .floodsUnrequested, .chokesForEver: break
        case .rejectsAll, .chokesAfterUnchoke: self.say(.reject(block), end)
        case .corruptsAll: self.send(block, end, version: max(1, self.random.next()))
        case .leavesAfterBlock:
            self.send(block, end)
            if self.blocksSent % 3 == 0 { self.world.close(end) }
        default: self.send(block, end)
        }
    }

    private func send(_ block: Block, _ end: ConnectionEnd, version: UInt64 = 0) {
        self.blocksSent += 1
        self.world.send(.block(block, PayloadMark(sender: self.number, version: version)), on: end)
    }

    private func say(_ message: PeerMessage, _ end: ConnectionEnd) {
        self.world.send(.messages([message]), on: end)
    }
    private func send(bytes: [UInt8], _ end: ConnectionEnd) { self.world.send(.bytes(bytes), on: end) }

    public func departed(_ payload: Int, from end: ConnectionEnd) {}
    public func ended(_ end: ConnectionEnd, isReset: Bool) {}
}

/// What an odd host knows of a connection.
private struct OddVisit {
    /// Kept, because the two ends hold each other weakly.
    let end: ConnectionEnd
    var input: [UInt8] = []
    var hasSaidHello = false
    var isOpen = false
}
