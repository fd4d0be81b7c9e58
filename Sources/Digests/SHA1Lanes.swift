import CSHA1Lanes

/// The SHA-1 of up to four inputs that are all there at the same time, in a good third of the time that they take one
/// after another: a processor's SHA unit waits between the rounds of one input.
///
/// Only on processors with the instructions (`isAvailable`); `DigestContext` is for everybody.
public struct SHA1Lanes: ~Copyable {
    public static let isAvailable = weir_sha1_lanes_available() != 0
    public static let laneCount = Int(WEIR_SHA1_LANES)
    public static let blockLength = 64
    /// Of a digest, in bytes.
    public static let digestLength = 20

    /// Five words a lane.
    private let states: UnsafeMutablePointer<(UInt32, UInt32, UInt32, UInt32, UInt32)>
    private let inputs: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    /// Of each lane, in bytes.
    private var length = 0

    public init() {
        precondition(Self.isAvailable, "the processor has no SHA instructions")
        self.states = .allocate(capacity: Self.laneCount)
        self.inputs = .allocate(capacity: Self.laneCount)
        self.inputs.initialize(repeating: nil, count: Self.laneCount)
        self.reset()
    }

    deinit {
        self.states.deallocate()
        self.inputs.deallocate()
    }

    /// Forgets what was taken in.
    public mutating func reset() {
        // FIPS 180-4, 5.3.1.
        self.states.initialize(
            repeating: (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0),
            count: Self.laneCount)
        self.length = 0
    }

    /// Takes in `count` bytes, a multiple of 64, of each of the first `lanes` lanes; `input` says where a lane's lie.
    /// Three take as long as four.
    public mutating func update(count: Int, lanes: Int, input: (_ lane: Int) -> UnsafeRawPointer) {
        precondition(count >= 0 && count % Self.blockLength == 0, "only whole blocks")
        precondition(lanes > 0 && lanes <= Self.laneCount, "there are four lanes")
        for lane in 0..<Self.laneCount {
            // A lane that is not used follows the first one.
            self.inputs[lane] = input(lane < lanes ? lane : 0).assumingMemoryBound(to: UInt8.self)
        }
        let blocks = count / Self.blockLength
        switch lanes {
        case 1: weir_sha1_one_lane(self.states, self.inputs, blocks)
        case 2: weir_sha1_two_lanes(self.states, self.inputs, blocks)
        default: weir_sha1_lanes(self.states, self.inputs, blocks)
        }
        self.length += count
    }

    /// The digests of the first `lanes` lanes, one after another; and begins anew.
    public mutating func finish(lanes: Int) -> [UInt8] {
        // FIPS 180-4, 5.1.1: a bit, zeros, and the length in bits. The same for all lanes.
        var padding = [UInt8](repeating: 0, count: Self.blockLength)
        padding[0] = 0x80
        let bits = UInt64(self.length) &* 8
        for index in 0..<8 { padding[56 + index] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * index)) }
        padding.withUnsafeBytes { padding in
            if let start = padding.baseAddress {
                self.update(count: Self.blockLength, lanes: lanes) { _ in start }
            }
        }
        var digests: [UInt8] = []
        digests.reserveCapacity(lanes * Self.digestLength)
        for lane in 0..<lanes {
            let state = self.states[lane]
            for word in [state.0, state.1, state.2, state.3, state.4] {
                for shift in [24, 16, 8, 0] as [UInt32] {
                    digests.append(UInt8(truncatingIfNeeded: word >> shift))
                }
            }
        }
        self.reset()
        return digests
    }
}
