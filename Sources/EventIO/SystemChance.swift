/// The system's source of chance, with state of its own.
///
/// The thread sanitizer looks at the address of what is passed `inout`; a generator without a byte of state has none, and
/// the program would end there.
public struct SystemChance: RandomNumberGenerator, Sendable {
    private var system = SystemRandomNumberGenerator()
    private var count = 0

    public init() {}

    public mutating func next() -> UInt64 {
        self.count &+= 1
        return self.system.next()
    }
}
