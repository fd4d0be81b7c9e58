import Glibc
import TestKit

/// Files on a disk for a torrent to be made of.
struct SourceFolder {
    let directory = TemporaryDirectory()
    let path: String

    init(_ name: String = "data", _ files: [(String, [UInt8])] = []) {
        self.path = self.directory.file(name)
        mkdir(self.path, 0o755)
        for (name, bytes) in files { self.write(name, bytes) }
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        var folder = self.path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        let descriptor = open("\(self.path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            precondition(count > 0, "the test's file cannot be written")
            written += count
        }
        close(descriptor)
    }
}
