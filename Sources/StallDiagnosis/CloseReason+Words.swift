import SwarmTypes

extension CloseReason {
    /// Stable, snake case, without the numbers.
    var code: String {
        switch self {
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .connectTimeout: "connect_timeout"
        case .localFailure: "local_failure"
        case .resetBeforeHandshake: "reset_before_handshake"
        case .closedBeforeHandshake: "closed_before_handshake"
        case .handshakeTimeout: "handshake_timeout"
        case .badHandshake: "bad_handshake"
        case .encryptionFailed: "encryption_failed"
        case .encryptionRequired: "encryption_required"
        case .wrongInfoHash: "wrong_info_hash"
        case .notInTorrent: "not_in_torrent"
        case .ownConnection: "own_connection"
        case .duplicateConnection: "duplicate_connection"
        case .tooManyConnections: "too_many_connections"
        case .banned: "banned"
        case .closedByPeer: "closed_by_peer"
        case .resetByPeer: "reset_by_peer"
        case .inactive: "inactive"
        case .frameTooLong: "frame_too_long"
        case .badLength: "bad_length"
        case .outOfRange: "out_of_range"
        case .badBitfield: "bad_bitfield"
        case .unexpectedMessage: "unexpected_message"
        case .badExtensionMessage: "bad_extension_message"
        case .unrequestedBlock: "unrequested_block"
        case .tooManyBadRequests: "too_many_bad_requests"
        case .corruptData: "corrupt_data"
        case .badMetadata: "bad_metadata"
        case .bothSeeds: "both_seeds"
        case .notUseful: "not_useful"
        case .torrentStopped: "torrent_stopped"
        case .torrentRemoved: "torrent_removed"
        case .shutDown: "shut_down"
        case .socketFailure: "socket_failure"
        }
    }

    /// With the numbers, for evidence.
    var words: String {
        switch self {
        case .localFailure(let code): "the machine could not connect: \(errorName(code))"
        case .socketFailure(let code): "the socket failed: \(errorName(code))"
        case .encryptionFailed(let stage): "encryption broke during \(stage.words)"
        case .frameTooLong(let announced): "it announced a message of \(announced) bytes"
        case .badLength(let message, let length): "message \(message) came with \(length) bytes"
        case .outOfRange(let message): "message \(message) named a piece or range outside the torrent"
        case .badBitfield: "its bitfield has the wrong size, spare bits, or came late or twice"
        case .unexpectedMessage(let message): "message \(message) was not allowed"
        case .badExtensionMessage: "an extension message could not be read"
        case .unrequestedBlock: "it sent a block that nobody asked for"
        case .tooManyBadRequests: "it asked too often for what does not exist"
        case .badMetadata: "its metadata did not fit the info-hash"
        default: spaced(self.code)
        }
    }
}

extension EncryptionStage {
    var words: String {
        switch self {
        case .keyExchange: "key exchange"
        case .synchronisation: "synchronisation"
        case .negotiation: "negotiation"
        }
    }
}

/// Numbers of Linux; others stay numbers.
enum SystemError {
    static let notPermitted: Int32 = 1
    static let accessDenied: Int32 = 13
    static let tooManyFilesInSystem: Int32 = 23
    static let tooManyFiles: Int32 = 24
    static let addressNotAvailable: Int32 = 99
    static let networkDown: Int32 = 100
    static let networkUnreachable: Int32 = 101
    static let noBuffers: Int32 = 105
    static let noRoute: Int32 = 113
}

private func errorName(_ code: Int32) -> String {
    switch code {
    case SystemError.notPermitted: "operation not permitted (1)"
    case SystemError.accessDenied: "permission denied (13)"
    case SystemError.tooManyFilesInSystem: "too many open files in the system (23)"
    case SystemError.tooManyFiles: "too many open files (24)"
    case 32: "broken pipe (32)"
    case SystemError.addressNotAvailable: "no local address or port (99)"
    case SystemError.networkDown: "network is down (100)"
    case SystemError.networkUnreachable: "network is unreachable (101)"
    case 104: "connection reset (104)"
    case SystemError.noBuffers: "no buffer space (105)"
    case 110: "timed out (110)"
    case SystemError.noRoute: "no route to host (113)"
    default: "error \(code)"
    }
}

/// A code of ours, such as `read_timeout`, as words.
func spaced(_ code: String) -> String { code.split(separator: "_").joined(separator: " ") }
