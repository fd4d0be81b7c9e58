/// Lets one through at a time, in the order of their coming: who comes later has read what is newer.
actor ReloadGate {
    private var isBusy = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        guard self.isBusy else {
            self.isBusy = true
            return
        }
        await withCheckedContinuation { self.waiters.append($0) }
    }

    /// Hands over to the next.
    func leave() {
        guard !self.waiters.isEmpty else {
            self.isBusy = false
            return
        }
        self.waiters.removeFirst().resume()
    }
}
