import CLinuxIO

/// The allocator's settings for a small service.
public enum MemoryTuning {
    /// Few arenas, and free memory at the top goes back to the system early. Call it first of all. Answers
    /// false when the allocator refused.
    @discardableResult
    public static func apply() -> Bool {
        mallopt(M_ARENA_MAX, 2) == 1 && mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1
    }

    /// Gives free pages back, after rare big work. Answers whether there were any.
    @discardableResult
    public static func releaseFreeMemory() -> Bool { malloc_trim(0) == 1 }
}
