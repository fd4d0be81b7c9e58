/// Descriptors. Only on the loop, and a descriptor must be unwatched before it is closed.
extension EventLoop {
    /// Calls `handler` on the loop whenever the descriptor is ready, again and again as long as it stays so.
    public func watch(
        _ descriptor: Int32, for interest: Readiness, _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(SystemCallFailure) {
        self.checkIsolated()
        try self.poller.add(descriptor, interest, handler)
    }

    public func modify(_ descriptor: Int32, for interest: Readiness) throws(SystemCallFailure) {
        self.checkIsolated()
        try self.poller.modify(descriptor, interest)
    }

    /// No event reaches the handler any more. Harmless for a descriptor that is not watched.
    public func unwatch(_ descriptor: Int32) {
        self.checkIsolated()
        self.poller.remove(descriptor)
    }
}
