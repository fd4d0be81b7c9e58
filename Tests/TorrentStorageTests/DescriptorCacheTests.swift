import Glibc
import TestKit
import Testing

@testable import TorrentStorage

@Suite("The cache of open files")
struct DescriptorCacheTests {
    private func opened() throws -> Descriptor {
        let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        try #require(number >= 0)
        return Descriptor(number, isWritable: false)
    }

    @Test("keeps at most its limit, and lets go of what was used least recently", arguments: [4, 16, 256])
    func limit(limit: Int) throws {
        let cache = DescriptorCache(limit: limit)
        let favourite = DescriptorCache.Key(owner: 7, file: 0)
        cache.insert(try self.opened(), for: favourite)
        for file in 1..<Int32(4 * limit) {
            let key = DescriptorCache.Key(owner: 1, file: file)
            cache.insert(try self.opened(), for: key)
            #expect(cache.count <= limit)
            #expect(cache.find(key) != nil && cache.find(favourite) != nil)
        }
        #expect(cache.find(DescriptorCache.Key(owner: 1, file: 1)) == nil)
        #expect(cache.count > limit / 2)
    }

    @Test("closes the older half when the system has none left, and says when there is nothing to close")
    func shrink() throws {
        let cache = DescriptorCache(limit: 16)
        #expect(!cache.shrink())
        for file in 0..<7 as Range<Int32> {
            cache.insert(try self.opened(), for: DescriptorCache.Key(owner: 1, file: file))
        }
        #expect(cache.shrink() && cache.count == 3)
        #expect(cache.find(DescriptorCache.Key(owner: 1, file: 6)) != nil)
        #expect(cache.find(DescriptorCache.Key(owner: 1, file: 0)) == nil)
    }
}
