import EventIO
import Glibc
import SwarmTypes

/// One line on standard error that is written over as work goes on. Nothing where that is no terminal.
///
/// Called from any thread.
final class ProgressLine: Sendable {
    private struct State: Sendable {
        var lastShown: Int64 = .min
        var isShown = false
    }

    /// In nanoseconds between two states.
    private static let interval: Int64 = 100_000_000

    private let isTerminal = isatty(2) == 1
    private let state = Lock(State())

    /// Shows the line unless the last one is too fresh. `text` is made only then.
    func show(_ text: () -> String) {
        guard self.isTerminal else { return }
        let now = monotonicNow().nanoseconds
        let isDue = self.state.withLock { state in
            guard !state.isShown || now - state.lastShown >= Self.interval else { return false }
            state.lastShown = now
            state.isShown = true
            return true
        }
        // Carriage return, text, and what an earlier, longer line left is cleared.
        if isDue { self.write("\r\(text())\u{1B}[K") }
    }

    /// Removes the line, before other words or at the end.
    func clear() {
        let wasShown = self.state.withLock { state in
            defer { state.isShown = false }
            return state.isShown
        }
        if wasShown { self.write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
