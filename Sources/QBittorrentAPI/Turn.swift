/// Lets one caller in at a time, in the order of their coming.
///
/// An actor's methods interleave at every `await`. A client's must not: a poll that waits for an answer
/// holds a half-built revision of the table, and a login must happen once, not once for each caller.
/// Nothing is lost by waiting, because qBittorrent answers on one thread.
final class Turn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard self.isTaken else {
            self.isTaken = true
            return
        }
        await withCheckedContinuation { self.waiting.append($0) }
    }

    func give() {
        if self.waiting.isEmpty { self.isTaken = false } else { self.waiting.removeFirst().resume() }
    }
}
