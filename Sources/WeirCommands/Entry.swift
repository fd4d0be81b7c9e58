import CommandLineParsing
import Glibc

/// The program: reads the process's arguments and environment and never returns.
public func runWeir() -> Never {
    var environment: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
        let text = String(cString: entry)
        if let split = text.firstIndex(of: "=") {
            environment[String(text[..<split])] = String(text[text.index(after: split)...])
        }
        next += 1
    }
    let code = Program.run(Array(CommandLine.arguments.dropFirst()), environment: environment)
    exit(code.rawValue)
}
