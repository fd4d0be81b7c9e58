import Testing

@testable import CommandLineParsing

@Suite("The help")
struct HelpTextTests {
    @Test("of a command shows its usage, options, those of every command, and examples")
    func golden() throws {
        let help = try sampleProgram.parse(["plan", "--help"]).helpText
        #expect(
            help == """
                weir plan: show what a cycle would change

                Usage: weir plan [OPTIONS]

                Nothing is changed. With a snapshot no qBittorrent is asked.

                Options:
                      --snapshot FILE     Plan from a saved observation
                  -s, --strategy NAME     Plan with this strategy: equal, adaptive
                                          [WEIR_STRATEGY]
                      --tracker ID        Only this tracker (may be repeated)

                Options of every command:
                  -c, --config FILE       The configuration file [WEIR_CONFIG]
                  -j, --json              Print JSON [WEIR_JSON]
                  -v, --verbose           Say more
                  -h, --help              Show this help

                Examples:
                  weir plan --snapshot seen.json
                      Plan offline, from a file

                """)
    }

    @Test("of the program lists its commands")
    func program() throws {
        let help = try sampleProgram.parse(["--help"]).helpText
        #expect(help.contains("Usage: weir [OPTIONS] COMMAND\n"))
        #expect(help.contains("\n  plan                    show what a cycle would change\n"))
        #expect(help.contains("\n  -h, --help              Show this help\n"))
    }

    @Test("fits 80 columns, however long the texts are")
    func width() {
        let long = Array(repeating: "word", count: 60).joined(separator: " ")
        let command = CommandSpec(
            "x", long, details: [long],
            options: [.value("a-very-long-option-name-indeed", nil, "VALUE", long)],
            arguments: [ArgumentSpec("ARGUMENT", long)], examples: [CommandExample("x y", long)])
        let help = command.helpText(path: ["weir", "x"], inherited: [.help])
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(help.split(separator: "\n").allSatisfy { $0.last != " " })
    }

    @Test("names every exit code once")
    func exitCodes() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 3, 64, 65, 69, 75, 77, 78])
        #expect(Set(ExitCode.allCases.map(\.meaning)).count == ExitCode.allCases.count)
    }
}
