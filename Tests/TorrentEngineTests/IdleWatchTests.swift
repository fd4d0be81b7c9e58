import Testing

@testable import TorrentEngine

@Suite("When memory is given back")
struct IdleWatchTests {
    @Test("is after ten seconds without payload, and then each minute")
    func idle() {
        var watch = IdleWatch()
        let due = (1...200).filter { _ in watch.isTrimDue(moved: 0) }
        #expect(due == [10, 70, 130, 190])
    }

    @Test("is never while payload moves, and begins anew after it")
    func busy() {
        var watch = IdleWatch()
        var moved: Int64 = 0
        for _ in 0..<100 {
            moved += 100_000
            let isDue = watch.isTrimDue(moved: moved)
            #expect(!isDue)
        }
        // Messages are no payload to speak of.
        let due = (1...20).filter { _ in
            moved += 1000
            return watch.isTrimDue(moved: moved)
        }
        #expect(due == [10])
    }
}
