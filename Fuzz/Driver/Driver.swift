import CLibFuzzer
import Glibc

/// The target that the environment variable `FUZZ_TARGET` names. A variable and not an argument, because
/// libFuzzer starts itself again with the same arguments.
private let chosenTarget: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = fuzzTargets.first(where: { $0.name == name }) else {
        print("set FUZZ_TARGET to one of", fuzzTargets.map(\.name).joined(separator: ", "))
        exit(64)
    }
    return target
}()

/// Whatever breaks a target's invariant ends the process, which is what libFuzzer looks for.
@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    do {
        try chosenTarget.run(input)
    } catch {
        fatalError("\(chosenTarget.name): \(error.description)")
    }
    return 0
}

@main
enum Driver {
    static func main() {
        _ = chosenTarget
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &arguments, testOneInput))
    }
}
