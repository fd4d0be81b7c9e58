import SpellingHints
import Testing

@Suite("The nearest name")
struct NearestNameTests {
    @Test(
        "of a mistyped word is found",
        arguments: [
            ("prot", "port"), ("alocation_strategy", "allocation_strategy"), ("host-name", "host_name"),
            ("TIMEOUT", "timeout"), ("hots", "host"), ("updat_intervall", "update_interval"),
        ])
    func found(word: String, name: String) {
        let names = ["host", "port", "timeout", "allocation_strategy", "host_name", "update_interval"]
        #expect(nearestName(to: word, among: names) == name)
    }

    @Test(
        "of something else is none",
        arguments: ["", "zebra", "xxxxxx", String(repeating: "h", count: 10_000)])
    func none(word: String) {
        #expect(nearestName(to: word, among: ["host", "port", "timeout"]) == nil)
    }

    @Test("is the first of two that are as near")
    func ties() {
        #expect(nearestName(to: "cat", among: ["car", "cab"]) == "car")
    }
}
