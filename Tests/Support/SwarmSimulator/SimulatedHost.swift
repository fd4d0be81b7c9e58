public import SwarmTypes

/// How a host answers somebody who wants to connect.
public enum DialAnswer: Hashable, Sendable {
    case accept, refuse, unreachable
    /// No answer at all.
    case nothing
}

/// A computer in the simulated network.
public protocol SimulatedHost: AnyObject {
    var number: Int { get }
    var address: PeerAddress { get }
    var line: SimulatedLine { get set }

    /// Called once, when it is switched on.
    func started(in world: SwarmSimulation)
    func answer(_ dialler: PeerAddress) -> DialAnswer
    /// Somebody has connected.
    func accepted(_ end: ConnectionEnd)
    /// A dial of its own has come to this.
    func dialled(_ address: PeerAddress, _ result: Result<ConnectionEnd, DialFailure>)
    func received(_ packet: Packet, on end: ConnectionEnd)
    /// So many bytes of payload have left; there is room for more.
    func departed(_ payload: Int, from end: ConnectionEnd)
    /// The other side, or the network, has ended the connection.
    func ended(_ end: ConnectionEnd, isReset: Bool)
    /// A time that the host has set for itself has come.
    func fired(_ timer: HostTimer)
}

public struct DialFailure: Error, Hashable, Sendable {
    public let reason: CloseReason
}

/// What a host may wait for.
public enum HostTimer: Sendable {
    case tick
    case announce
    case pieceRead(ConnectionEnd, id: Int)
    case hashed(piece: Int)
    /// An address whose encrypted dial failed, to be dialled plainly.
    case redial(PeerAddress)
    case keepAlive(ConnectionEnd)
}

/// One side of a connection.
public final class ConnectionEnd: @unchecked Sendable {
    // Proof: a simulation and all that belongs to it stay on one thread.
    let host: any SimulatedHost
    /// The other side; nil once the connection is forgotten.
    weak var peer: ConnectionEnd?
    /// Of the other side. Of one that was accepted, the port is not the one it listens on.
    public let remoteAddress: PeerAddress
    public let isOutgoing: Bool
    public internal(set) var isOpen = true
    /// For the host, to know it by.
    public var tag = 0
    /// Payload that waits to leave.
    public internal(set) var queuedBytes = 0
    /// When the last packet to the other side arrives, and when the last one for this side is taken.
    var lastArrival = Instant(nanoseconds: .min / 2)
    var lastDelivery = Instant(nanoseconds: .min / 2)

    init(_ host: any SimulatedHost, to address: PeerAddress, isOutgoing: Bool) {
        self.host = host
        self.remoteAddress = address
        self.isOutgoing = isOutgoing
    }
}
