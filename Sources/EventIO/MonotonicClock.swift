import Glibc
public import SwarmTypes

/// CLOCK_MONOTONIC: never jumps, and stands still while the machine is suspended.
public func monotonicNow() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
}
