import TestKit
import Testing

@testable import ConfigFile

@Suite("A variable in a value")
struct VariableSubstitutionTests {
    private let environment = ConfigEnvironment(
        variables: [
            "NAME": "value", "EMPTY": "", "LOOP": "${NAME}", "SECRET_FILE": "/run/secret",
            "NAME_FILE": "/run/secret",
            "GONE_FILE": "/run/gone", "BINARY_FILE": "/run/binary", "EMPTYFILE_FILE": "/run/empty",
        ],
        readSecret: { path throws(FileReadFailure) in
            switch path {
            case "/run/secret": Array("from file \n\n".utf8)
            case "/run/binary": [0xFF]
            case "/run/empty": []
            default: throw .unreadable(errno: 2)
            }
        })

    @Test(
        "is replaced, also within a longer text",
        arguments: [
            ("${NAME}", "value"), ("a${NAME}b${NAME}", "avaluebvalue"), ("${NAME:-x}", "value"),
            ("${NONE:-x}", "x"),
            ("${NONE:-}", ""), ("${EMPTY}", ""), ("${EMPTY:-x}", "x"), ("${NONE:-a:-b$c{d}", "a:-b$c{d"),
            ("no variable", "no variable"), ("5$ and $NAME", "5$ and $NAME"), ("é${NAME}é", "évalueé"),
        ])
    func replaced(text: String, expected: String) {
        let result = self.environment.substituted(text)
        #expect(result.text == expected)
        #expect(result.troubles == [])
    }

    @Test("is replaced once: what it holds is not looked at again")
    func once() {
        #expect(self.environment.substituted("${LOOP}").text == "${NAME}")
    }

    @Test(
        "is taken from a credential of the service manager, by its own name or below weir_, after NAME_FILE")
    func credentials() {
        var environment = ConfigEnvironment(variables: [
            "CREDENTIALS_DIRECTORY": "/run/credentials", "SECRET_FILE": "/run/secret",
        ])
        environment.readSecret = { path throws(FileReadFailure) in
            switch path {
            case "/run/secret": Array("named".utf8)
            case "/run/credentials/PLAIN", "/run/credentials/SECRET": Array("plain\n".utf8)
            case "/run/credentials/weir_OURS", "/run/credentials/weir_PLAIN": Array("ours\n".utf8)
            case "/run/credentials/CLOSED": throw .unreadable(errno: 13)
            default: throw .unreadable(errno: 2)
            }
        }
        let result = environment.substituted("${PLAIN} ${OURS} ${SECRET} ${NONE:-x}")
        #expect(result.text == "plain ours named x")
        #expect(result.sources == ["credential PLAIN", "credential weir_OURS", "SECRET_FILE"])
        #expect(environment.substituted("${CLOSED}").troubles.count == 1)
        #expect(environment.substituted("${NONE}").troubles == [.unset(name: "NONE")])
    }

    @Test("is taken from the file that NAME_FILE names when NAME is not set, without its last line break")
    func fromFile() {
        let result = self.environment.substituted("${SECRET}!")
        #expect(result.text == "from file \n!")
        #expect(result.sources == ["SECRET_FILE"])
        #expect(self.environment.substituted("${NAME}").sources == ["NAME"])
        #expect(self.environment.substituted("${EMPTYFILE:-x}").text == "x")
    }

    @Test("whose file cannot be read is a problem that names the file")
    func unreadableFile() {
        for name in ["GONE", "BINARY"] {
            guard case .unreadable(let message) = self.environment.substituted("${\(name)}").troubles.first
            else {
                Issue.record("\(name) was taken")
                continue
            }
            #expect(message.contains("/run/\(name.lowercased())"))
        }
    }

    @Test("that is not set and has no default is a problem")
    func unset() {
        #expect(self.environment.substituted("${NONE}").troubles == [.unset(name: "NONE")])
        #expect(self.environment.substituted("${A}${B}").troubles == [.unset(name: "A"), .unset(name: "B")])
    }

    @Test("is written with a second $ to stand for itself")
    func escaped() {
        let result = self.environment.substituted("$${NAME} $$ $${${NAME}}")
        #expect(result.text == "${NAME} $$ ${value}")
        #expect(result.troubles == [])
    }

    @Test(
        "that is none stays as written, and is told of",
        arguments: ["${", "a{2}${3}", "${}", "${A B}", "${NAME", "${-NAME}", "${NAME:}", "${NAME-x}"])
    func notAVariable(text: String) {
        let result = self.environment.substituted(text)
        #expect(result.text == text)
        #expect(result.troubles == [.notAVariable])
    }

    @Test("cannot make a value grow without bound")
    func bounded() {
        let large = ConfigEnvironment(variables: ["BIG": String(repeating: "x", count: 40_000)])
        #expect(large.substituted("${BIG}").troubles == [])
        #expect(large.substituted(String(repeating: "${BIG}", count: 10_000)).troubles == [.tooLong])
        #expect(large.substituted(String(repeating: "$", count: 100_000)).troubles == [.tooLong])
        let open = String(repeating: "${", count: 30_000)
        #expect(large.substituted(open).troubles == [.notAVariable])
    }

    @Test("escaped by the writer of YAML reads back to the same text", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("$${}{NAME:-\\\"' \n\t#:é\u{301}\u{85}\u{2028}\u{0}\u{7}~").map(String.init)
        let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in
            alphabet.randomElement(using: &random) ?? ""
        }.joined()
        let node = try #require(try parseConfig(Array("k: \(quotedYAML(text))".utf8), fileName: "f"))
        guard case .mapping(let entries) = node.content,
            case .scalar(let scalar) = entries.first?.value.content
        else {
            Issue.record("not a scalar")
            return
        }
        #expect(self.environment.substituted(scalar.text).text == text)
    }
}
