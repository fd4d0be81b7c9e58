import Foundation
import Testing

@testable import CommandLineParsing

/// What a program wrote, and how it ended. Reads while it runs, so that a full pipe cannot stop it.
private func run(_ program: String, _ arguments: [String], input: String) throws -> (
    output: String, code: Int32
) {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let (inPipe, outPipe) = (Pipe(), Pipe())
    process.standardInput = inPipe
    process.standardOutput = outPipe
    process.standardError = outPipe
    try process.run()
    try inPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try inPipe.fileHandleForWriting.close()
    let output = try outPipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: output, as: UTF8.self), process.terminationStatus)
}

@Suite("Completions", .serialized)
struct ShellCompletionsTests {
    /// What bash offers for the last of the words.
    private func offers(_ words: [String]) throws -> [String] {
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let script =
            sampleProgram.completions(.bash) + """

                COMP_WORDS=(weir \(list)); COMP_CWORD=\(words.count)
                compopt() { COMPREPLY=(FILES); FILES=1; }
                _weir
                [[ $FILES ]] && echo FILES || printf '%s\\n' "${COMPREPLY[@]}"
                """
        let result = try run("/bin/bash", ["--norc", "-s"], input: script)
        #expect(result.code == 0)
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("of bash offer commands, options and values where they belong")
    func bash() throws {
        #expect(try self.offers([""]) == ["serve", "plan", "match", "config", "completions"])
        #expect(try self.offers(["c"]) == ["config", "completions"])
        #expect(try self.offers(["-j", "config", ""]) == ["check", "print"])
        #expect(try self.offers(["config", "print", "--o"]) == ["--origin"])
        #expect(try self.offers(["plan", "--s"]) == ["--snapshot", "--strategy"])
        #expect(try self.offers(["plan", "-s", ""]) == ["equal", "adaptive"])
        #expect(try self.offers(["plan", "--config", ""]) == ["FILES"])
        #expect(try self.offers(["completions", "z"]) == ["zsh"])
        #expect(try self.offers(["serve", ""]) == [])
    }

    @Test("name every command and option in every shell", arguments: Shell.allCases)
    func complete(shell: Shell) {
        let script = sampleProgram.completions(shell)
        for node in CompletionNode.all(of: sampleProgram) {
            #expect(script.contains(node.path))
            for option in node.options {
                #expect(script.contains(shell == .fish ? "-l \(option.name)" : "--\(option.name)"))
            }
        }
    }

    @Test("keep quotes and colons of a summary out of the script's own syntax")
    func quoting() throws {
        let program = CommandSpec("p", "x", subcommands: [CommandSpec("a", "it's: \"b\" $(touch x) `y` \\")])
        #expect(program.completions(.zsh).contains(#"'a:it'\''s\: "b" $(touch x) `y` \\'"#))
        #expect(program.completions(.fish).contains(#"-d 'it\'s: "b" $(touch x) `y` \\'"#))
        #expect(try run("/bin/bash", ["-n"], input: program.completions(.bash)).code == 0)
    }
}

@Suite("The manual page")
struct ManualPageTests {
    @Test("names every command, option and exit code, and text cannot become a request")
    func page() {
        var program = sampleProgram
        program.details.append(".SH injected \\fB -x")
        program.details.append("'so injected")
        let page = program.manualPage(version: "1.0", files: [("/etc/weir/weir.yaml", "The configuration.")])
        #expect(page.hasPrefix(#".TH "WEIR" "1" "" "weir 1.0" "User Commands""#))
        #expect(page.contains(#".SS "weir config print""#))
        #expect(page.contains(#".B "\-c, \-\-config FILE""#))
        #expect(page.contains("\n\\&.SH injected \\efB \\-x\n"))
        #expect(page.contains("\n\\&'so injected\n"))
        for code in ExitCode.allCases { #expect(page.contains(".B \"\(code.rawValue)\"\n\(code.meaning)")) }
        let requests = page.split(separator: "\n").filter { $0.hasPrefix(".") || $0.hasPrefix("'") }
        #expect(
            requests.allSatisfy { line in
                [".TH", ".SH", ".SS", ".PP", ".TP", ".B"].contains { line.hasPrefix($0) }
            })
    }
}
