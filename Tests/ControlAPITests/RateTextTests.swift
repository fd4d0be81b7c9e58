import SwarmTypes
import Testing

@testable import ControlAPI

@Suite("Rates for people")
struct RateTextTests {
    @Test(
        "A rate is spelled in the unit that fits",
        arguments: [
            (0, "0 B/s"), (1023, "1023 B/s"), (1024, "1.0 KiB/s"), (10_240, "10.0 KiB/s"),
            (1_048_575, "1024.0 KiB/s"),
            (1_048_576, "1.00 MiB/s"), (2_621_440, "2.50 MiB/s"), (10_485_760, "10.00 MiB/s"),
            (3_775_000, "3.60 MiB/s"),
        ])
    func spelledRates(bytes: Int64, text: String) {
        #expect(spelled(.bytesPerSecond(bytes)) == text)
        #expect(spelled(.unlimited) == "unlimited")
    }
}
