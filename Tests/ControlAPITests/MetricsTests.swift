import Foundation
import Testing

@testable import ControlAPI

/// What is wrong with a text of Prometheus' format 0.0.4: a name, HELP or TYPE twice or missing, samples apart
/// from their family, a series twice, a broken escape or number.
private func faults(in text: String) -> [String] {
    var faults: [String] = []
    guard text.hasSuffix("\n") else { return ["no line feed at the end"] }
    var finished: Set<String> = []
    var series: Set<String> = []
    var family = ""
    var hasType = false
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
        if line.hasPrefix("# HELP ") {
            let name = String(line.dropFirst(7).prefix { $0 != " " })
            if !family.isEmpty { finished.insert(family) }
            if finished.contains(name) { faults.append("\(name): twice") }
            family = name
            hasType = false
        } else if line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            if words.count != 4 || words[2] != family || hasType { faults.append("TYPE: \(line)") }
            if !["gauge", "counter"].contains(words.last ?? "") { faults.append("kind: \(line)") }
            if words.last == "counter", !family.hasSuffix("_total") {
                faults.append("\(family): a counter ends in _total")
            }
            hasType = true
        } else {
            let pattern =
                #/([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*"(,(?!\})|(?=\})))*\})? (\+Inf|-Inf|NaN|-?[0-9.]+(e[-+]?[0-9]+)?)/#
            guard let match = line.wholeMatch(of: pattern) else {
                faults.append("malformed: \(line)")
                continue
            }
            if String(match.1) != family || !hasType { faults.append("outside its family: \(line)") }
            if !series.insert("\(match.1)\(match.2 ?? "")").inserted {
                faults.append("series twice: \(line)")
            }
            if Double(match.6.replacing("Inf", with: "infinity")) == nil { faults.append("number: \(line)") }
            if !family.hasPrefix("weir_") { faults.append("prefix: \(line)") }
        }
    }
    return faults
}

@Suite("Metrics")
struct MetricsTests {
    private func text(_ snapshot: MetricsSnapshot) -> String {
        String(decoding: metricsText(snapshot, version: "1.2.3"), as: UTF8.self)
    }

    @Test("The checker finds what it is made for")
    func checker() {
        let good = "# HELP weir_a A.\n# TYPE weir_a gauge\nweir_a{x=\"1\"} 2\n"
        #expect(faults(in: good).isEmpty)
        for bad in [
            good + good, good + "weir_b 1\n", good + "weir_a{x=\"1\"} 3\n", good + "weir_a{x=\"a\"b\"} 3\n",
            good + "weir_a{x=\"a\\d\"} 3\n",
            good + "weir_a 1,5\n", good + "weir_a\n", "# HELP weir_a A.\nweir_a 1\n", String(good.dropLast()),
            good + "\n",
            good.replacing("weir", with: "xeir"), good.replacing("gauge", with: "counter"),
            good + "weir_a{x=\"2\",} 3\n",
        ] { #expect(!faults(in: bad).isEmpty, "\(bad)") }
    }

    @Test(
        "Every family is well formed, with hostile names and numbers at their limits, and with nothing at all"
    )
    func wellFormed() {
        #expect(faults(in: text(hostileMetrics())).isEmpty)
        #expect(faults(in: text(MetricsSnapshot())).isEmpty)
    }

    @Test("Labels are escaped and unlimited is infinite")
    func escaping() {
        let text = text(hostileMetrics())
        #expect(
            text.contains(
                #"weir_tracker_cap_bytes_per_second{tracker="with \"quotes\" and \\ and\nlines"} +Inf"#))
        #expect(
            text.contains(
                #"weir_tracker_effective_cap_bytes_per_second{tracker="plain"} 9.223372036854776e+18"#))
        #expect(text.contains("weir_limits_applied_total{reason=\"newcomer\"}"))
        #expect(text.contains("weir_cycles_total{outcome=\"dry_run\"} 0"))
        #expect(!text.contains("weir_last_cycle_timestamp_seconds"))
    }

    @Test("Labels are of closed sets only: tracker, instance, reason, outcome, result, version")
    func labels() {
        let names = Set(text(hostileMetrics()).matches(of: #/[{,]([a-z_]+)="/#).map { String($0.1) })
        // "x" is inside a tracker's hostile name.
        #expect(
            names.subtracting(["x"]) == ["tracker", "instance", "reason", "outcome", "result", "version"])
    }
}
