import EventIO
import SwarmTypes
import Testing
import TorrentCatalog

private func summary(_ byte: UInt8, name: String = "a") -> TorrentSummary {
    guard let id = TorrentID(bytes: [UInt8](repeating: byte, count: 20)) else { fatalError("20 bytes") }
    return TorrentSummary(id: id, name: name, state: .seeding)
}

@Suite struct CatalogMirrorTests {
    let mirror = CatalogMirror(LibraryPreferences(directory: "/downloads"))

    @Test("A publication replaces what changed, and keeps the rows of the others")
    func replaces() {
        var change = CatalogChange()
        change.changed = [summary(1), summary(2)]
        self.mirror.publish(change)
        let before = self.mirror.state
        change.changed = [summary(2, name: "b")]
        self.mirror.publish(change)
        let after = self.mirror.state
        #expect(after.revision == 2)
        #expect(after.rows[summary(1).id] === before.rows[summary(1).id])
        #expect(after.rows[summary(2).id]?.summary.name == "b")
        #expect(after.rows[summary(2).id]?.revision == 2)
        #expect(before.rows[summary(2).id]?.summary.name == "a")
    }

    @Test("A change that changes nothing is no publication")
    func emptyChange() {
        self.mirror.publish(CatalogChange())
        #expect(self.mirror.state.revision == 0)
    }

    @Test("Observers hear of each change until they are forgotten")
    func observers() {
        let heard = Lock<[UInt64]>([])
        let shared = SharedLock(heard)
        let number = self.mirror.observe { _, revision in shared.lock.withLock { $0.append(revision) } }
        var change = CatalogChange()
        change.tags = ["x"]
        self.mirror.publish(change)
        self.mirror.forget(number)
        self.mirror.publish(change)
        #expect(shared.lock.withLock { $0 } == [1])
    }

    @Test("Hearing costs the same after any number of publications: no call runs out of stack")
    func manyPublications() {
        let heard = SharedLock(Lock([]))
        let number = self.mirror.observe { _, revision in heard.lock.withLock { $0 = [revision] } }
        defer { self.mirror.forget(number) }
        var change = CatalogChange()
        change.tags = ["x"]
        for _ in 0..<50_000 { self.mirror.publish(change) }
        #expect(heard.lock.withLock { $0 } == [50_000])
    }

    @Test("A torrent that was added with all its data has the ratio of its size")
    func ratioOfSize() {
        var torrent = summary(1)
        torrent.done = 100
        torrent.uploaded = 50
        #expect(torrent.ratio == 0.5)
        torrent.done = 0
        #expect(torrent.ratio == nil)
        torrent.uploaded = 0
        #expect(torrent.ratio == 0)
    }
}

private final class SharedLock: Sendable {
    let lock: Lock<[UInt64]>

    init(_ lock: consuming Lock<[UInt64]>) { self.lock = lock }
}
