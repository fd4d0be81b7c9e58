import Glibc
import ServiceAssembly

/// Passwords, read so that nobody sees them.
enum PasswordPrompt {
    private static let maximumBytes = 4096

    /// Asks on the terminal without showing what is typed. The terminal is as before when this returns.
    static func ask(_ question: String) throws(ServiceFailure) -> String {
        var before = termios()
        guard tcgetattr(0, &before) == 0 else { throw .system("this terminal cannot hide what is typed") }
        var hidden = before
        // Keys that end a program come as bytes: it would leave the terminal as it is now.
        hidden.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard tcsetattr(0, TCSAFLUSH, &hidden) == 0 else {
            throw .system("this terminal cannot hide what is typed")
        }
        defer {
            tcsetattr(0, TCSAFLUSH, &before)
            Output().write("\n")
        }
        Output().write(question)
        var typed: [UInt8] = []
        while typed.count < self.maximumBytes {
            var byte: UInt8 = 0
            let count = read(0, &byte, 1)
            if count < 0, errno == EINTR { continue }
            switch (count, byte) {
            case (1, UInt8(ascii: "\n")), (1, UInt8(ascii: "\r")):
                return String(decoding: typed, as: UTF8.self)
            // Backspace takes a character of one to four bytes.
            case (1, 0x7F), (1, 0x08):
                while let last = typed.popLast(), last & 0xC0 == 0x80 {}
            case (1, 0x15): typed = []
            case (1, 0x03), (1, 0x04), (1, 0x1C): throw .refused("cancelled; nothing was changed")
            case (1, _): typed.append(byte)
            default: throw .refused("cancelled; nothing was changed")
            }
        }
        throw .usage("that is too long for a password")
    }

    /// Of a file, or of standard input. Nil when it cannot be read, or there is nothing in it.
    static func firstLine(of path: String?) -> String? {
        let descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? 0
        guard descriptor >= 0 else { return nil }
        defer { if path != nil { close(descriptor) } }
        var line: [UInt8] = []
        while line.count < self.maximumBytes {
            var byte: UInt8 = 0
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
