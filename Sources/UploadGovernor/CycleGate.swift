/// Lets one cycle through at a time; the others wait in the order of their coming.
///
/// A part of the governor's isolated state: it is touched on its executor only.
struct CycleGate {
    private var isBusy = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// True when the gate is now held; false when the caller must wait by `enqueue`.
    mutating func tryEnter() -> Bool {
        guard !self.isBusy else { return false }
        self.isBusy = true
        return true
    }

    mutating func enqueue(_ continuation: CheckedContinuation<Void, Never>) {
        self.waiters.append(continuation)
    }

    /// Hands the gate to the next waiter, or opens it.
    mutating func leave() {
        guard !self.waiters.isEmpty else {
            self.isBusy = false
            return
        }
        self.waiters.removeFirst().resume()
    }
}
