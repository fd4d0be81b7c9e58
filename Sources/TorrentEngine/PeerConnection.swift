import Digests
import EventIO
import PeerProtocol
import RateControl
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TorrentStorage

/// A TCP connection to a peer: its socket, what of its bytes is not understood yet, and what waits to be sent.
///
/// Lives on the engine's loop only, and decides nothing.
final class PeerConnection {
    enum Phase {
        /// Our dial is under way. Leaves to: opening.
        case dialling
        /// Handshakes, plain or encrypted. Leaves to: open.
        case opening(HandshakeMachine<MessageStreamPrimitives>)
        /// Messages. The torrent and the slot are set.
        case open
    }

    /// The number by which the loop's callbacks name it; used again after it has ended.
    let number: Int
    let socket: StreamSocket
    let address: PeerAddress
    let direction: ConnectionDirection
    let startedAt: Instant
    var phase: Phase
    /// What the loop watches.
    var interest: Readiness = []
    var isWatched = false
    /// Counts as a dial under way, or as a connection, of the budget.
    var isDial = false
    var isCounted = false
    var dialEncryption = EncryptionPolicy.off
    static let openingSeconds = 10.0

    var torrent: ActiveTorrent?
    var slot: PeerSlot?
    /// The peer's leaves in the trees of limits.
    var uploadLeaf: NodeID?
    var downloadLeaf: NodeID?

    // What of it the ledger knows.
    var notedUnchokes = 0
    var notedDown: Int64 = 0
    var notedUp: Int64 = 0

    // In.
    var scanner = FrameScanner(pieceCount: nil, supportsFast: true)
    var partial: PartialBlock?
    var batch = ReadBatch()
    /// Granted and not read yet.
    var downloadCredit = 0
    /// Nothing is read until the limits, or the disk, allow it.
    var isHeldByLimit = false
    var isHeldByDisk = false
    /// The torrent that it asks for is waking up.
    var isHeldByWaking = false
    var incomingCipher: StreamCipher?

    // Out.
    /// When blocks were last taken for it, and whether it waits for more to come together.
    var lastRunAt = Instant(nanoseconds: 0)
    var isDeferred = false
    /// Messages that wait, with what of them is sent already.
    var control: [UInt8] = []
    var controlSent = 0
    var sending: Sending?
    /// Granted and not sent yet.
    var uploadCredit = 0
    var isWaitingForGrant = false
    /// A read for it is with the disk: what is read, and what of it is there.
    var isReading = false
    var reading: UploadRun?
    var readSoFar: [PayloadSlice] = []
    var outgoingCipher: StreamCipher?

    init(
        number: Int, socket: consuming StreamSocket, address: PeerAddress, direction: ConnectionDirection,
        phase: Phase, at now: Instant
    ) {
        self.number = number
        self.socket = socket
        self.address = address
        self.direction = direction
        self.phase = phase
        self.startedAt = now
    }

    var hasControl: Bool { self.controlSent < self.control.count }
}

/// Blocks on their way out: the head of each and its data, and how much of all of it the socket has taken.
struct Sending {
    let run: UploadRun
    /// One after the other, the bytes of the run.
    private let data: [PayloadSlice]
    /// The heads, 13 bytes each (BEP 3's `piece`).
    let heads: [UInt8]
    var sent = 0
    /// Payload that is counted as uploaded.
    private var countedPayload = 0

    init(_ run: UploadRun, data: [PayloadSlice]) {
        self.run = run
        self.data = data
        var heads: [UInt8] = []
        heads.reserveCapacity(run.blocks.count * PeerMessage.pieceHeaderLength)
        for block in run.blocks { PeerMessage.appendPieceHeader(block, to: &heads) }
        self.heads = heads
    }

    var totalCount: Int { self.heads.count + Int(self.run.length) }
    var isDone: Bool { self.sent == self.totalCount }

    /// Payload that the socket has taken since the last call, heads left out.
    mutating func takePayload() -> Int {
        var (left, payload) = (self.sent, 0)
        for block in self.run.blocks where left > PeerMessage.pieceHeaderLength {
            let part = min(left - PeerMessage.pieceHeaderLength, Int(block.length))
            payload += part
            left -= PeerMessage.pieceHeaderLength + part
        }
        defer { self.countedPayload = payload }
        return payload - self.countedPayload
    }

    /// Appends what is left to a list, as far as it has room; `heads` must be the bytes of `self.heads`.
    func appendRest(to list: SendList, heads: UnsafeRawBufferPointer) {
        let headLength = PeerMessage.pieceHeaderLength
        var skip = self.sent
        var position = 0
        for (index, block) in self.run.blocks.enumerated() {
            let length = Int(block.length)
            if skip < headLength {
                guard !list.isFull else { return }
                let start = index * headLength + skip
                list.append(UnsafeRawBufferPointer(rebasing: heads[start..<(index + 1) * headLength]))
                skip = 0
            } else {
                skip -= headLength
            }
            if skip < length {
                guard self.appendData(position + skip..<position + length, to: list) else { return }
                skip = 0
            } else {
                skip -= length
            }
            position += length
        }
    }

    /// Answers false when the list is full.
    private func appendData(_ range: Range<Int>, to list: SendList) -> Bool {
        var start = 0
        for slice in self.data {
            let end = start + slice.count
            let part = range.clamped(to: start..<end)
            if !part.isEmpty {
                guard !list.isFull else { return false }
                list.append(
                    UnsafeRawBufferPointer(
                        rebasing: slice.bytes[part.lowerBound - start..<part.upperBound - start]))
            }
            start = end
        }
        return true
    }

    /// All of it as bytes, for a cipher.
    var flattened: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.totalCount)
        var position = 0
        let data = self.data.flatMap { Array($0.bytes) }
        for (index, block) in self.run.blocks.enumerated() {
            bytes +=
                self.heads[
                    index * PeerMessage.pieceHeaderLength..<(index + 1) * PeerMessage.pieceHeaderLength]
            bytes += data[position..<position + Int(block.length)]
            position += Int(block.length)
        }
        return bytes
    }
}
