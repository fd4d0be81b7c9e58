/// Calls `beat` again and again as long as each of the loops turns: one after the other passes it on, so that one that hangs
/// ends it, and its going on begins it anew. The first call comes at once; all are on the last loop.
public func keepBeating(
    _ loops: [EventLoop], everySeconds seconds: Double, _ beat: @escaping @Sendable () -> Void
) {
    guard let first = loops.first else { return }
    @Sendable func pass(_ rest: ArraySlice<EventLoop>) {
        if let next = rest.first {
            next.post { pass(rest.dropFirst()) }
        } else {
            beat()
            first.schedule(afterSeconds: seconds) { pass(loops.dropFirst()) }
        }
    }
    first.post { pass(loops.dropFirst()) }
}
