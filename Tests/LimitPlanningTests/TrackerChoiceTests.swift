import LimitPlanning
import Testing

private func entries(_ list: [(String, TrackerStatus)]) -> [TrackerEntry] {
    list.map { TrackerEntry(url: $0.0, status: $0.1) }
}

@Suite("Which tracker decides")
struct TrackerChoiceTests {
    private static let pseudo: [(String, TrackerStatus)] = [
        ("** [DHT] **", .working), ("** [PeX] **", .working), ("** [LSD] **", .working),
    ]

    @Test("The first working tracker, however many pseudo trackers work before it")
    func working() {
        let list =
            Self.pseudo + [
                ("https://a/announce", .notWorking), ("https://b/x", .working), ("https://c", .working),
            ]
        #expect(chooseTracker(entries(list)) == 4)
    }

    @Test(
        "Without a working one, the first without an error",
        arguments: [TrackerStatus.notContacted, .updating, .unknown])
    func withoutError(status: TrackerStatus) {
        let list =
            Self.pseudo + [("https://a", .notWorking), ("https://b", .disabled), ("https://c", status)]
        #expect(chooseTracker(entries(list)) == 5)
    }

    @Test("If all have errors, the first of them")
    func allFail() {
        #expect(
            chooseTracker(entries(Self.pseudo + [("udp://a:1", .notWorking), ("udp://b:1", .notWorking)]))
                == 3)
    }

    @Test("None without a real tracker")
    func none() {
        #expect(chooseTracker([]) == nil)
        #expect(chooseTracker(entries(Self.pseudo)) == nil)
        #expect(
            chooseTracker(entries([("", .working), ("  ", .working), (" ** [DHT] **", .working)])) == nil)
    }
}
