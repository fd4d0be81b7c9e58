import Glibc
import SwarmTypes

/// What one of the sockets in a folder has answered.
public struct LocalAnswer: Sendable {
    /// Of the socket.
    public var name: String
    /// Nil when nothing whole came in time.
    public var bytes: [UInt8]?
}

extension LocalDirectory {
    /// Sends a line to everybody who listens in the folder and waits for the answers, which end with the connection.
    /// Sockets that nobody is behind are removed. Blocks the calling thread for so many seconds at most.
    public func ask(_ line: String, seconds: Double = 6, maximumBytes: Int = 32 << 20) -> [LocalAnswer] {
        var asked: [(name: String, descriptor: Int32)] = []
        var answers: [LocalAnswer] = []
        var sawDeserted = false
        for name in self.names.prefix(1024) {
            do throws(LocalDirectoryFailure) {
                let descriptor = try self.connect(to: name)
                let bytes = Array((line + "\n").utf8)
                if send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count {
                    asked.append((name, descriptor))
                } else {
                    close(descriptor)
                    answers.append(LocalAnswer(name: name, bytes: nil))
                }
            } catch {
                if case .system(let failure) = error, [ECONNREFUSED, ENOENT].contains(failure.code) {
                    sawDeserted = true
                } else {
                    answers.append(LocalAnswer(name: name, bytes: nil))
                }
            }
        }
        if sawDeserted { self.removeDeserted() }
        let deadline = monotonicNow().advanced(bySeconds: seconds)
        for (name, descriptor) in asked {
            answers.append(
                LocalAnswer(
                    name: name, bytes: readAll(descriptor, until: deadline, maximumBytes: maximumBytes)))
            close(descriptor)
        }
        return answers
    }
}

/// Everything until the other side closes; nil when it fails, is too much or takes too long.
private func readAll(_ descriptor: Int32, until deadline: Instant, maximumBytes: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let left = max(0, deadline.seconds(since: monotonicNow()))
        var watch = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = poll(&watch, 1, Int32(left * 1000))
        if ready < 0, errno == EINTR { continue }
        guard ready > 0 else { return nil }
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return bytes }
        bytes += buffer.prefix(count)
        guard bytes.count <= maximumBytes else { return nil }
    }
}
