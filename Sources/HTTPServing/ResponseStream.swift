import EventIO

/// A response body that grows while it is sent, such as server-sent events. From any thread.
///
/// What waits for a reader is bounded: one that falls behind is cut off, and is to ask again for what it missed. The bytes
/// of one chunk are shared by all the streams that they were given to.
public final class ResponseStream: Sendable {
    enum Step {
        /// So many bytes were written.
        case wrote(Int)
        /// Nothing is there now.
        case wait
        case end
    }

    private struct State {
        var chunks: [[UInt8]] = []
        /// Index of the first chunk that is not sent yet, and what of it is.
        var first = 0
        var sentOfFirst = 0
        var waitingBytes = 0
        var isWakePosted = false
        var isEnding = false
        var isCutOff = false
        var isOver = false
        var whenOver: [@Sendable () -> Void] = []
    }

    private let state: Lock<State>
    private let maximumWaitingBytes: Int
    private let wake: @Sendable (ResponseStream) -> Void

    /// - Parameter wake: Lets the loop look at the stream again; never called twice without `woken` between.
    init(maximumWaitingBytes: Int, wake: @escaping @Sendable (ResponseStream) -> Void) {
        self.maximumWaitingBytes = maximumWaitingBytes
        self.wake = wake
        self.state = Lock(State())
    }

    /// False when the reader is gone, or is cut off because too much waits for it: nothing more will reach it.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        let (isTaken, needsWake) = self.state.withLock { state in
            guard !state.isOver, !state.isEnding, !state.isCutOff else { return (false, false) }
            guard !bytes.isEmpty else { return (true, false) }
            if state.waitingBytes + bytes.count > self.maximumWaitingBytes {
                state.isCutOff = true
                state.chunks = []
                state.first = 0
                state.waitingBytes = 0
            } else {
                state.chunks.append(bytes)
                state.waitingBytes += bytes.count
            }
            defer { state.isWakePosted = true }
            return (!state.isCutOff, !state.isWakePosted)
        }
        if needsWake { self.wake(self) }
        return isTaken
    }

    /// The response is complete with what was sent so far.
    public func end() {
        let needsWake = self.state.withLock { state in
            guard !state.isOver, !state.isEnding else { return false }
            state.isEnding = true
            defer { state.isWakePosted = true }
            return !state.isWakePosted
        }
        if needsWake { self.wake(self) }
    }

    /// Calls `body` once, on the server's loop, when nothing more can be sent for whatever reason; at once when that is so.
    public func whenOver(_ body: @escaping @Sendable () -> Void) {
        let isOver = self.state.withLock { state in
            if !state.isOver { state.whenOver.append(body) }
            return state.isOver
        }
        if isOver { body() }
    }
}

/// For the driver, on the loop.
extension ResponseStream {
    /// Whether its connection is to be cut instead of served on.
    func woken() -> Bool {
        self.state.withLock { state in
            state.isWakePosted = false
            return state.isCutOff
        }
    }

    /// Moves what waits into the buffer.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Step {
        self.state.withLock { state in
            if state.isCutOff { return .end }
            var written = 0
            while written < buffer.count, state.first < state.chunks.count {
                let chunk = state.chunks[state.first]
                let count = min(buffer.count - written, chunk.count - state.sentOfFirst)
                let slot = UnsafeMutableRawBufferPointer(rebasing: buffer[written..<written + count])
                slot.copyBytes(from: chunk[state.sentOfFirst..<state.sentOfFirst + count])
                written += count
                state.sentOfFirst += count
                if state.sentOfFirst == chunk.count {
                    state.chunks[state.first] = []
                    state.first += 1
                    state.sentOfFirst = 0
                }
            }
            if state.first == state.chunks.count || state.first > 64 {
                state.chunks.removeFirst(state.first)
                state.first = 0
            }
            state.waitingBytes -= written
            if written > 0 { return .wrote(written) }
            return state.isEnding ? .end : .wait
        }
    }

    func close() {
        let bodies = self.state.withLock { state in
            guard !state.isOver else { return [@Sendable () -> Void]() }
            state.isOver = true
            state.chunks = []
            state.first = 0
            state.waitingBytes = 0
            defer { state.whenOver = [] }
            return state.whenOver
        }
        for body in bodies { body() }
    }
}
