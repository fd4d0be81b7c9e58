import EventIO
import Glibc

/// Memory for payload, from the socket to the disk and back, used again and again.
///
/// From any thread. A chunk returns to the pool when the last reference to it goes.
public final class BufferPool: Sendable {
    /// Of a chunk. A connection that is slow, or new, takes a small one.
    public enum Size: Int, Sendable, CaseIterable {
        case small = 32_768
        case large = 262_144

        /// Of free chunks that are kept, in bytes; more go back to the system.
        fileprivate var keptBytes: Int {
            switch self {
            case .small: 2 << 20
            case .large: 16 << 20
            }
        }
    }

    private struct Free {
        var small: [UInt] = []
        var large: [UInt] = []

        subscript(_ size: Size) -> [UInt] {
            get { size == .small ? self.small : self.large }
            _modify {
                switch size {
                case .small: yield &self.small
                case .large: yield &self.large
                }
            }
        }
    }

    /// Addresses, since a pointer is not `Sendable`.
    private let free = Lock(Free())

    public init() {}

    deinit { self.trim() }

    public func take(_ size: Size) -> PayloadChunk {
        let recycled = self.free.withLock { $0[size].popLast() }
        if let recycled, let base = UnsafeMutableRawPointer(bitPattern: recycled) {
            return PayloadChunk(base: base, size: size, pool: self)
        }
        // Straight from the system, so that what is given back does not stay in the allocator.
        let base = mmap(nil, size.rawValue, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base, base != MAP_FAILED else { preconditionFailure("out of memory") }
        return PayloadChunk(base: base, size: size, pool: self)
    }

    /// The smallest chunk for so many bytes; never more than a large one has.
    func take(atLeast count: Int) -> PayloadChunk {
        self.take(count <= Size.small.rawValue ? .small : .large)
    }

    /// Gives all free memory back, after busy times.
    public func trim() {
        for size in Size.allCases {
            let bases = self.free.withLock { free in
                defer { free[size] = [] }
                return free[size]
            }
            for base in bases { munmap(UnsafeMutableRawPointer(bitPattern: base), size.rawValue) }
        }
    }

    /// Of free chunks that are kept, in bytes.
    var keptBytes: Int {
        self.free.withLock { free in
            Size.allCases.reduce(0) { $0 + free[$1].count * $1.rawValue }
        }
    }

    fileprivate func recycle(_ base: UnsafeMutableRawPointer, _ size: Size) {
        let address = UInt(bitPattern: base)
        let isKept = self.free.withLock { free in
            guard (free[size].count + 1) * size.rawValue <= size.keptBytes else { return false }
            free[size].append(address)
            return true
        }
        if !isKept { munmap(base, size.rawValue) }
    }
}

/// A piece of pooled memory. Its bytes are not cleared: a chunk may show what another connection received.
///
/// The memory is written by one side at a time, and a part that a slice names is not written any more: a
/// connection receives only behind the last byte it has cut slices from. That, and the counter that only the
/// loop touches, is the proof for the unchecked promise.
public final class PayloadChunk: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let capacity: Int
    /// Slices that wait to be written. Only on the loop of the store.
    var waitingSlices = 0
    private let size: BufferPool.Size
    private let pool: BufferPool

    fileprivate init(base: UnsafeMutableRawPointer, size: BufferPool.Size, pool: BufferPool) {
        self.base = base
        self.size = size
        self.capacity = size.rawValue
        self.pool = pool
    }

    deinit { self.pool.recycle(self.base, self.size) }

    /// The memory behind the first `used` bytes, for `recv`.
    public func space(after used: Int) -> UnsafeMutableRawBufferPointer {
        precondition(used >= 0 && used <= self.capacity, "more than a chunk holds")
        return UnsafeMutableRawBufferPointer(start: self.base + used, count: self.capacity - used)
    }

    public func slice(at offset: Int, count: Int) -> PayloadSlice {
        precondition(offset >= 0 && count >= 0 && count <= self.capacity - offset, "more than a chunk holds")
        return PayloadSlice(
            chunk: self, offset: UInt32(truncatingIfNeeded: offset), count: UInt32(truncatingIfNeeded: count))
    }
}

/// Some bytes of a chunk, which lives as long as the slice.
public struct PayloadSlice: Sendable {
    public let chunk: PayloadChunk
    let offset: UInt32
    private let size: UInt32

    fileprivate init(chunk: PayloadChunk, offset: UInt32, count: UInt32) {
        self.chunk = chunk
        self.offset = offset
        self.size = count
    }

    public var count: Int { Int(self.size) }

    /// Valid as long as the slice, or another reference to its chunk, lives.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.chunk.base + Int(self.offset), count: self.count)
    }
}

/// The bytes of a block as they were received: in one chunk, or at the end of one and the front of the next.
public struct BlockPayload: Sendable {
    public let first: PayloadSlice
    public let second: PayloadSlice?

    public init(_ first: PayloadSlice, _ second: PayloadSlice? = nil) {
        self.first = first
        self.second = second
    }

    public var count: Int { self.first.count + (self.second?.count ?? 0) }
}
