/// Says when memory that busy times have left is to be given back: asked once a second.
struct IdleWatch {
    /// Moved within a second, this is no use of large buffers: messages, and a slow peer's block now and then.
    private static let fewBytes: Int64 = 64 * 1024
    private static let secondsUntilTrim = 10
    /// What little moves leaves something behind as well.
    private static let secondsBetweenTrims = 60

    private var moved: Int64 = 0
    private var idleSeconds = 0

    /// `moved`: all bytes so far, in both directions.
    mutating func isTrimDue(moved: Int64) -> Bool {
        let isIdle = moved - self.moved < Self.fewBytes
        self.moved = moved
        self.idleSeconds = isIdle ? self.idleSeconds + 1 : 0
        return self.idleSeconds % Self.secondsBetweenTrims == Self.secondsUntilTrim
    }
}
