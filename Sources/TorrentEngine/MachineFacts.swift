import EventIO
import Glibc
import StallDiagnosis
import SwarmTypes

/// The address that this machine would send from; nil without a route. Nothing is sent.
func ownAddress(towards address: PeerAddress) -> PeerAddress? {
    let descriptor = socket(address.socketFamily, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
            getsockname(descriptor, own, &length) == 0
                ? PeerAddress(UnsafeRawPointer(own), length: Int(length)) : nil
        }
    }
}

/// Of this process; 0 where nobody can tell.
func openDescriptorCount() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Without ".", ".." and the one that lists them.
    return max(0, count - 3)
}

/// Whether a folder can be written, by writing a file into it that has no name or loses it at once.
func folderFacts(_ path: String, neededBytes: Int64) -> FolderFacts {
    var facts = FolderFacts(path: path, state: .fine, freeBytes: 0, neededBytes: neededBytes)
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
        facts.state = .failing(String(cString: strerror(errno)))
        return facts
    }
    facts.freeBytes = Int64(
        clamping: disk.f_bavail.multipliedReportingOverflow(by: disk.f_frsize).partialValue)
    let name = "\(path)/.weir-doctor-\(getpid())"
    let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
        facts.state = diskState(errno)
        return facts
    }
    defer { close(descriptor) }
    unlink(name)
    var byte: UInt8 = 1
    // The last byte of a megabyte: a sparse file takes room for that alone.
    guard pwrite(descriptor, &byte, 1, (1 << 20) - 1) == 1, fsync(descriptor) == 0 else {
        facts.state = diskState(errno)
        return facts
    }
    var status = stat()
    if fstat(descriptor, &status) == 0 { facts.isSparse = Int64(status.st_blocks) * 512 < 1 << 20 }
    return facts
}

private func diskState(_ code: Int32) -> DiskState {
    switch code {
    case ENOSPC, EDQUOT: .full
    case EROFS, EACCES, EPERM: .readOnly
    default: .failing(String(cString: strerror(code)))
    }
}

/// Runs jobs on so many threads at a time and waits for all of them, or for so many seconds. A job that takes
/// longer goes on until the process ends, and nobody waits for it.
func runBounded(_ jobs: [@Sendable () -> Void], threads: Int, seconds: Double) throws(SystemCallFailure) {
    let main = try EventLoop(name: "weir-probe")
    let left = JobCount(jobs.count)
    let workers = min(threads, jobs.count)
    for worker in 0..<workers {
        let loop = try EventLoop(name: "weir-probe-\(worker)")
        try loop.start()
        for job in stride(from: worker, to: jobs.count, by: workers) {
            let body = jobs[job]
            loop.post {
                body()
                if left.takesLast() { main.stop() }
            }
        }
        // It ends when its jobs are done, in its own time.
        loop.stop()
        loop.detach()
    }
    main.schedule(afterSeconds: seconds) { main.stop() }
    main.run()
}

private final class JobCount: Sendable {
    private let left: Lock<Int>

    init(_ count: Int) { self.left = Lock(count) }

    /// Whether the job that has just ended was the last.
    func takesLast() -> Bool {
        self.left.withLock { left in
            left -= 1
            return left == 0
        }
    }
}
