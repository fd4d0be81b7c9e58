import CLinuxIO
import Glibc

/// Signals as events of a loop.
///
/// `block` must have run on the first thread before any other thread starts, else a signal may take its
/// default action there. A program that does this needs a synchronous `main`: an asynchronous one waits
/// with all signals let through.
public final class SignalWatch: Sendable {
    public static let usual: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    private let loop: EventLoop
    private let descriptor: Int32

    /// Blocks the signals on the calling thread and all it will start, and ignores SIGPIPE, so that writing to
    /// a closed socket is an error code.
    public static func block(_ signals: [Int32] = usual) {
        var set = Self.set(of: signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handler` on the loop with the number of each signal, from any thread.
    public init(
        loop: EventLoop, signals: [Int32] = usual, handler: @escaping @Sendable (Int32) -> Void
    ) throws(SystemCallFailure) {
        var set = Self.set(of: signals)
        let descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemCallFailure(call: "signalfd", code: errno) }
        self.loop = loop
        self.descriptor = descriptor
        loop.perform {
            do throws(SystemCallFailure) {
                try loop.watch(descriptor, for: .readable) { _ in
                    var info = signalfd_siginfo()
                    let size = MemoryLayout<signalfd_siginfo>.size
                    while read(descriptor, &info, size) == size { handler(Int32(bitPattern: info.ssi_signo)) }
                }
            } catch {
                // A fresh descriptor that the kernel refuses to watch: out of memory. Blocked signals
                // without a reader would make the process unkillable.
                fatalError("cannot watch signals: \(error)")
            }
        }
    }

    deinit {
        let (loop, descriptor) = (self.loop, self.descriptor)
        loop.perform {
            loop.unwatch(descriptor)
            close(descriptor)
        }
    }

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
