import EventIO
import Glibc
import Testing

@Suite("A beat that every loop passes on")
struct LoopPulseTests {
    private func wait(for condition: () -> Bool) -> Bool {
        for _ in 0..<6000 {
            if condition() { return true }
            usleep(5000)
        }
        return false
    }

    @Test("ends while one of the loops hangs, whichever, and goes on when it does", arguments: 0..<3)
    func hanging(hung: Int) throws {
        let loops = try (0..<3).map { try EventLoop(name: "loop \($0)") }
        for loop in loops { try loop.start() }
        let beats = Shared(0)
        keepBeating(loops, everySeconds: 0.005) { beats.update { $0 += 1 } }
        #expect(self.wait { beats.value > 2 })

        let gate = Shared((isHeld: false, mayGo: false))
        loops[hung].post {
            gate.update { $0.isHeld = true }
            while !gate.value.mayGo { usleep(1000) }
        }
        #expect(self.wait { gate.value.isHeld })
        // However long it takes, at most the beat comes through that had passed the loop already.
        let before = beats.value
        usleep(100_000)
        #expect(beats.value <= before + 1)

        gate.update { $0.mayGo = true }
        #expect(self.wait { beats.value > before + 3 })
        for loop in loops { loop.stop() }
        for loop in loops { loop.join() }
    }

    @Test("of no loops is none")
    func nothing() {
        let beats = Shared(0)
        keepBeating([], everySeconds: 0.001) { beats.update { $0 += 1 } }
        #expect(beats.value == 0)
    }
}
