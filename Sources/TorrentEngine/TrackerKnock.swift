import EventIO
import Glibc
import StallDiagnosis
import SwarmTypes
import TrackerClient
import TrackerProtocol

struct KnockOutcome: Sendable {
    var state: TrackerState
    var words: String
    /// The name was looked up, and has an address.
    var foundName: Bool

    init(_ state: TrackerState, _ words: String, foundName: Bool) {
        self.state = state
        self.words = words
        self.foundName = foundName
    }
}

/// Finds out whether anybody is behind a tracker's URL: a TCP connection, or the first packet of UDP (BEP 15).
///
/// Blocks its thread: for the name server as long as the system lets it, then five seconds at most.
struct TrackerKnock {
    private let url: TrackerURL

    init(_ url: TrackerURL) { self.url = url }

    func outcome() -> KnockOutcome {
        let isAddress = PeerAddress("\(self.url.host):1") != nil || PeerAddress("[\(self.url.host)]:1") != nil
        let addresses: [PeerAddress]
        switch systemLookUp(self.url.host) {
        case .failure(let failure):
            return KnockOutcome(.failing(.nameNotFound), failure.words, foundName: false)
        // The same rule as for announcing: a torrent does not choose which services of this network are knocked at.
        case .success(let found): addresses = found.filter { self.url.mayReach($0) }
        }
        if addresses.isEmpty {
            return KnockOutcome(.failing(.other), "its address is refused", foundName: !isAddress)
        }
        let deadline = monotonicNow().advanced(bySeconds: ConnectabilityProbe.secondsEach)
        var last: Int32 = EHOSTUNREACH
        for (place, address) in addresses.prefix(4).enumerated() {
            // A dead address leaves time for the next.
            let left = deadline.seconds(since: monotonicNow()) / Double(min(addresses.count, 4) - place)
            let code = self.knock(address.with(port: self.url.port), milliseconds: Int32(max(0, left * 1000)))
            if code == 0 { return KnockOutcome(.working, "", foundName: !isAddress) }
            last = code
        }
        let failure: TrackerFailure =
            switch last {
            case ECONNREFUSED: .refused
            case ETIMEDOUT: .timedOut
            case EBADMSG: .badAnswer
            default: .unreachable
            }
        return KnockOutcome(.failing(failure), String(cString: strerror(last)), foundName: !isAddress)
    }

    /// Answers 0 when somebody is there, else errno.
    private func knock(_ address: PeerAddress, milliseconds: Int32) -> Int32 {
        let isUDP = self.url.scheme == .udp
        let kind = isUDP ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(
            address.socketFamily, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let result = address.withSocketAddress { connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { return errno }
        if isUDP { return Self.exchange(descriptor, milliseconds) }
        let code = Self.wait(descriptor, POLLOUT, milliseconds)
        guard code == 0 else { return code }
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 else { return errno }
        return failure
    }

    /// BEP 15's connect request: the protocol's number, action 0, a transaction of our choice.
    private static func exchange(_ descriptor: Int32, _ milliseconds: Int32) -> Int32 {
        var random = SystemChance()
        let transaction = (0..<4).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
        let packet: [UInt8] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0] + transaction
        // Sent twice at most: one packet may be lost.
        for _ in 0..<2 {
            guard send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL)) == packet.count else {
                return errno
            }
            let code = Self.wait(descriptor, POLLIN, milliseconds / 2)
            if code == ETIMEDOUT { continue }
            guard code == 0 else { return code }
            var answer = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &answer, answer.count, 0)
            guard count >= 0 else { return errno }
            return count >= 16 && answer[0..<4].allSatisfy { $0 == 0 }
                && answer[4..<8].elementsEqual(transaction)
                ? 0 : EBADMSG
        }
        return ETIMEDOUT
    }

    private static func wait(_ descriptor: Int32, _ events: Int32, _ milliseconds: Int32) -> Int32 {
        let deadline = monotonicNow().advanced(bySeconds: Double(milliseconds) / 1000)
        while true {
            var watch = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let left = max(0, deadline.seconds(since: monotonicNow()))
            let count = poll(&watch, 1, Int32(left * 1000))
            if count > 0 { return 0 }
            if count == 0 { return ETIMEDOUT }
            guard errno == EINTR else { return errno }
        }
    }
}
