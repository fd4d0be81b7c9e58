import PeerProtocol
import SwarmTypes

/// An extension handshake that is read means the same after encoding, and no message of any kind traps.
///
/// The first byte is our number for the kind, the rest the payload.
let extensionsTarget = FuzzTarget(name: "extensions") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let id = reader.byte()
    guard case .handshake(let handshake) = ExtensionMessage(id: id % 5, payload: Array(reader.rest)) else {
        return
    }
    try require(
        ExtensionHandshake(payload: handshake.payload) == handshake, "another handshake after encoding")
    try require((handshake.metadataSize ?? 1) > 0 && (handshake.requestQueue ?? 1) > 0, "a size of nothing")
    var known = ExtensionHandshake()
    known.update(with: handshake)
    try require(known == handshake, "a first handshake is changed by what was known")
}

/// Contacts that are read can be dialled, are few and different, and mean the same after encoding.
///
/// The whole input is the payload.
let exchangeTarget = FuzzTarget(name: "exchange") { input throws(BrokenInvariant) in
    guard let message = PeerExchangeMessage(payload: input) else { return }
    let limit = PeerExchangeMessage.maximumContacts
    try require(message.added.count <= limit && message.dropped.count <= limit, "too many contacts")
    try require(message.added.allSatisfy(\.address.isUsable), "a contact that nobody can dial")
    try require(Set(message.added.map(\.address)).count == message.added.count, "a contact twice")
    // Encoding puts IPv4 first, and so may choose others of equal hosts; the second time there is nothing to choose.
    let again = PeerExchangeMessage(payload: message.payload)
    try require(
        again.map { PeerExchangeMessage(payload: $0.payload) } == again, "another message after encoding")
    try require(again?.added.count == message.added.count, "contacts lost by encoding")
}

/// Messages of metadata mean the same after encoding; an assembler asks for what exists, never twice at once of one peer,
/// and completes what has the size that was announced.
///
/// Up to the first line break a payload; the rest is a script of steps of four bytes: what, by whom, and a number.
let metadataTarget = FuzzTarget(name: "metadata") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let payload = Array(reader.line() ?? [])
    if let message = MetadataMessage(payload: payload), message != .unknown {
        try require(MetadataMessage(payload: message.payload) == message, "another message after encoding")
    }
    var script = AssemblyScript()
    while !reader.rest.isEmpty {
        try script.step(reader.byte() % 8, by: Int(reader.byte() % 4), reader.twoBytes())
    }
}

private struct AssemblyScript {
    private var assembler = MetadataAssembler<Int>()
    private var now = Instant(nanoseconds: 0)
    private var sizes: [Int: Int] = [:]
    private var asked: [Int: [Int]] = [:]

    mutating func step(_ kind: UInt8, by peer: Int, _ number: Int) throws(BrokenInvariant) {
        switch kind {
        case 0:
            let size = number < 0x8000 ? number % 60_000 : number - 0x9000
            self.take(self.assembler.announced(size: size, by: peer, at: self.now), from: peer)
            if self.sizes[peer] == nil { self.sizes[peer] = size }
        case 1:
            let pieces = self.assembler.requests(for: peer, at: self.now)
            try require(pieces.count <= 4 && Set(pieces).count == pieces.count, "asks for \(pieces)")
            for piece in pieces {
                try require(
                    MetadataPieces.range(of: piece, size: self.assembler.size ?? 0) != nil,
                    "no piece \(piece)")
            }
            self.asked[peer, default: []] += pieces
        case 2, 3, 4:
            // Mostly what was asked for.
            guard let piece = kind == 4 ? number % 5 : self.asked[peer]?.popLast() else { return }
            let count = MetadataPieces.range(of: piece, size: self.sizes[peer] ?? 0)?.count ?? 7
            let bytes = [UInt8](repeating: UInt8(peer), count: kind == 3 ? max(1, count - number % 2) : count)
            let outcome = self.assembler.received(
                piece: piece, totalSize: nil, bytes: bytes[...], from: peer, at: self.now)
            if case .complete(let whole) = outcome {
                try require(whole.count == self.assembler.size, "complete with \(whole.count) bytes")
                let givers = self.assembler.hashFailed(at: self.now)
                try require(!givers.isEmpty, "complete, and nobody gave it")
                if givers.count == 1 { self.take(.refused(.badMetadata), from: givers[0]) }
            } else {
                self.take(outcome, from: peer)
            }
        case 5: self.assembler.rejected(piece: number % 5, by: peer, at: self.now)
        case 6:
            self.assembler.disconnected(peer, at: self.now)
            self.take(.refused(.closedByPeer), from: peer)
        default:
            self.now = self.assembler.nextDeadline(after: self.now) ?? self.now.advanced(bySeconds: 1)
        }
        let progress = self.assembler.progress
        try require((progress?.have ?? 0) <= (progress?.of ?? 0), "more than there is")
    }

    private mutating func take(_ outcome: MetadataAssembler<Int>.Outcome, from peer: Int) {
        guard case .refused = outcome else { return }
        self.sizes[peer] = nil
        self.asked[peer] = nil
    }
}
