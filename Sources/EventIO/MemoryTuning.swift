import CLinuxIO

/// The allocator's settings for a small service.
public enum MemoryTuning {
    /// Few arenas, and free memory at the top goes back to the system early. Call it first of all. Answers
    /// false when the allocator refused.
    @discardableResult
    public static func apply() -> Bool {
        mallopt(M_ARENA_MAX, 2) == 1 && mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1
    }

    /// Gives free pages back, after rare big work, and those of code that is not used any more. Answers whether
    /// there were free ones.
    @discardableResult
    public static func releaseFreeMemory() -> Bool {
        weir_release_code()
        return malloc_trim(0) == 1
    }
}
