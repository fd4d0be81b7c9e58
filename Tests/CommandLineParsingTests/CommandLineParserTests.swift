import TestKit
import Testing

@testable import CommandLineParsing

private func parse(_ line: String, _ environment: [String: String] = [:]) throws(UsageFailure)
    -> ParsedCommand
{
    try sampleProgram.parse(line.split(separator: " ").map(String.init), environment: environment)
}

private func failure(_ line: String, _ environment: [String: String] = [:]) -> String? {
    do {
        _ = try parse(line, environment)
        return nil
    } catch {
        return error.description
    }
}

@Suite("A command line")
struct CommandLineParserTests {
    @Test("finds the command, its options anywhere, and its arguments")
    func parsed() throws {
        let plan = try parse("--config a.yaml plan --snapshot=s.json -j -s adaptive --tracker x --tracker=y")
        #expect(plan.path == ["weir", "plan"])
        #expect(plan.value("config") == "a.yaml")
        #expect(plan.value("snapshot") == "s.json")
        #expect(plan.value("strategy") == "adaptive")
        #expect(plan.values("tracker") == ["x", "y"])
        #expect(plan.has("json") && !plan.has("verbose"))
        #expect(plan.arguments == [])
        let print = try parse("config print --origin -c b.yaml")
        #expect(print.path == ["weir", "config", "print"])
        #expect(print.has("origin"))
        #expect(print.value("config") == "b.yaml")
    }

    @Test("takes values in every form")
    func forms() throws {
        for line in [
            "-ca serve", "-c a serve", "-c=a serve", "--config=a serve", "--config a serve", "serve -jvca",
        ] {
            #expect(try parse(line).value("config") == "a", "\(line)")
        }
        #expect(try parse("serve --config=").value("config") == "")
        #expect(try parse("serve --config=-x=y").value("config") == "-x=y")
        #expect(try parse("serve --config -").value("config") == "-")
        #expect(try parse("serve --config -5").value("config") == "-5")
    }

    @Test("ends its options at --")
    func endOfOptions() throws {
        let match = try parse("match -j -- --verbose -x")
        #expect(match.arguments == ["--verbose", "-x"])
        #expect(!match.has("verbose"))
        #expect(try parse("-- match -- u").arguments == ["--", "u"])
    }

    @Test("takes what is not given from the environment, unless that is empty")
    func environment() throws {
        let plan = try parse("plan", ["WEIR_CONFIG": "e.yaml", "WEIR_JSON": "yes", "WEIR_STRATEGY": "equal"])
        #expect(plan.value("config") == "e.yaml")
        #expect(plan.source("config") == .environment(variable: "WEIR_CONFIG"))
        #expect(plan.has("json"))
        #expect(try parse("plan -c a", ["WEIR_CONFIG": "e.yaml"]).value("config") == "a")
        #expect(try parse("plan -c a", ["WEIR_CONFIG": "e.yaml"]).source("config") == .commandLine)
        #expect(try parse("plan", ["WEIR_CONFIG": ""]).value("config") == nil)
        #expect(try !parse("plan", ["WEIR_JSON": "0"]).has("json"))
        #expect(failure("plan", ["WEIR_JSON": "perhaps"])?.contains("WEIR_JSON") == true)
        #expect(failure("plan", ["WEIR_STRATEGY": "equl"])?.contains("WEIR_STRATEGY") == true)
        #expect(failure("serve", ["WEIR_STRATEGY": "equl"]) == nil)
    }

    @Test(
        "that is wrong says what, and what was meant",
        arguments: [
            ("plan --snapshto s", #"weir plan: there is no option "--snapshto". Did you mean --snapshot?"#),
            ("paln", #"weir: there is no command "paln". Did you mean plan?"#),
            ("config chekc", #"weir config: there is no command "chekc". Did you mean check?"#),
            ("", "weir: which command? One of serve, plan, match, config, completions"),
            ("config", "weir config: which command? One of check, print"),
            ("match", "weir match: URL is missing"),
            ("serve now", #"weir serve: "now" is one word too many"#),
            ("serve -x", #"weir serve: there is no option "-x""#),
            ("plan --snapshot", "weir plan: --snapshot needs a FILE"),
            (
                "plan --snapshot --json",
                #"weir plan: --snapshot needs a FILE, found "--json". Did you mean --snapshot=--json?"#
            ),
            ("plan --json=1", "weir plan: --json takes no value"),
            ("plan -s equal -s equal", "weir plan: -s is given twice"),
            (
                "plan -s eqaul",
                #"weir plan: -s takes one of equal, adaptive, found "eqaul". Did you mean equal?"#
            ),
        ])
    func wrong(line: String, message: String) {
        let command = message.prefix { $0 != ":" }
        #expect(failure(line) == message + "\nSee `\(command) --help`.")
    }

    @Test("may ask for help anywhere, whatever else is missing")
    func help() throws {
        for line in ["--help", "-h", "help"] { #expect(try parse(line).path == ["weir"]) }
        for line in ["match --help", "--help match", "help match", "-h match", "match -jh"] {
            let parsed = try parse(line)
            #expect(parsed.asksForHelp)
            #expect(parsed.path == ["weir", "match"])
        }
        #expect(try parse("help config print").path == ["weir", "config", "print"])
        #expect(try !parse("match -- --help").asksForHelp)
        #expect(failure("help nothing")?.contains(#"no command "nothing""#) == true)
    }

    @Test("shows no control characters of what was typed")
    func control() throws {
        #expect(failure("\u{1B}[31m")?.contains("\u{1B}") == false)
        #expect(failure("--\u{7}x")?.contains("\u{7}") == false)
    }

    @Test("of any words is a command or a failure, never a trap", arguments: 0..<200)
    func anyWords(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "", "-", "--", "---", "-=", "--=", "--config", "--config=", "-c", "-ca", "-jj", "-5", "plan",
            "config", "check",
            "match", "help", "--help", "-h", "é", "--é", "-é", "\u{301}", "-\u{301}", "=", "x",
        ]
        for _ in 0..<50 {
            let line = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                words.randomElement(using: &random) ?? ""
            }
            do {
                let parsed = try sampleProgram.parse(line)
                #expect(!parsed.helpText.isEmpty)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
