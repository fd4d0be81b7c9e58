import EventIO
import Glibc
import SwarmTypes

/// How a connection ended, in the words of diagnosis.
extension PeerConnection {
    /// Of an attempt to connect.
    static func reason(_ failure: SystemCallFailure) -> CloseReason {
        switch failure.code {
        case ECONNREFUSED: .refused
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
        case ETIMEDOUT: .connectTimeout
        case ECONNRESET: .resetBeforeHandshake
        default: .localFailure(code: failure.code)
        }
    }

    /// The peer has ended its stream.
    var endReason: CloseReason {
        if case .open = self.phase { return .closedByPeer }
        return .closedBeforeHandshake
    }

    /// Reading or writing has failed.
    func failureReason(_ failure: SystemCallFailure) -> CloseReason {
        let isOpen = if case .open = self.phase { true } else { false }
        switch failure.code {
        case ECONNRESET, EPIPE: return isOpen ? .resetByPeer : .resetBeforeHandshake
        case ETIMEDOUT, ENETUNREACH, EHOSTUNREACH: return .unreachable
        default: return .socketFailure(code: failure.code)
        }
    }
}
