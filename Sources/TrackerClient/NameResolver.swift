import EventIO
import Glibc
public import SwarmTypes

/// Looks names up on threads of its own and remembers what it found.
///
/// `@unchecked Sendable`: all its state is touched on the loop alone; a worker runs nothing but the look-up.
final class NameResolver: @unchecked Sendable {
    typealias Outcome = Result<[PeerAddress], NameFailure>

    private struct Known {
        var outcome: Outcome
        var expiry: Instant
    }

    static let maximumThreads = 4
    static let rememberedNames = 1024
    static let rememberedSeconds: Double = 300
    /// A name that was not found may come back soon.
    static let rememberedFailureSeconds: Double = 60

    private let loop: EventLoop
    private let lookUp: NameLookUp
    private var known: [String: Known] = [:]
    private var waiting: [String: [@Sendable (Outcome) -> Void]] = [:]
    /// Names that no thread has taken up yet, oldest first. As many at most as requests run.
    private var queue: [String] = []
    /// Event loops used as plain threads, begun when first needed.
    private var idleWorkers: [EventLoop] = []
    private var workers: [EventLoop] = []
    private var isClosed = false

    init(loop: EventLoop, lookUp: @escaping NameLookUp) {
        self.loop = loop
        self.lookUp = lookUp
    }

    /// Calls `completion` on the loop, later or at once.
    func resolve(_ host: String, _ completion: @escaping @Sendable (Outcome) -> Void) {
        if let known = self.known[host], self.loop.now < known.expiry { return completion(known.outcome) }
        if self.isClosed { return completion(.failure(NameFailure("closed"))) }
        self.waiting[host, default: []].append(completion)
        guard self.waiting[host]?.count == 1 else { return }
        self.queue.append(host)
        self.assignWork()
    }

    /// Look-ups that are under way end by themselves; nobody hears of them.
    func close() {
        self.isClosed = true
        self.queue = []
        self.waiting = [:]
        for worker in self.workers {
            worker.stop()
            worker.detach()
        }
        self.workers = []
        self.idleWorkers = []
    }

    private func assignWork() {
        while !self.queue.isEmpty, let worker = self.readyWorker() {
            let host = self.queue.removeFirst()
            let (loop, lookUp) = (self.loop, self.lookUp)
            worker.post {
                let outcome = lookUp(host)
                loop.post { self.finished(host, outcome, worker) }
            }
        }
    }

    private func readyWorker() -> EventLoop? {
        if let worker = self.idleWorkers.popLast() { return worker }
        guard self.workers.count < Self.maximumThreads else { return nil }
        do throws(SystemCallFailure) {
            let worker = try EventLoop(name: "weir-names")
            try worker.start()
            self.workers.append(worker)
            return worker
        } catch {
            // With another worker at work, the name waits for that one.
            if self.workers.isEmpty {
                for host in self.queue { self.answer(host, .failure(NameFailure(error.description))) }
                self.queue = []
            }
            return nil
        }
    }

    private func finished(_ host: String, _ outcome: Outcome, _ worker: EventLoop) {
        guard !self.isClosed else { return }
        self.idleWorkers.append(worker)
        self.remember(host, outcome)
        self.answer(host, outcome)
        self.assignWork()
    }

    private func answer(_ host: String, _ outcome: Outcome) {
        for completion in self.waiting.removeValue(forKey: host) ?? [] { completion(outcome) }
    }

    private func remember(_ host: String, _ outcome: Outcome) {
        let now = self.loop.now
        if self.known.count >= Self.rememberedNames {
            self.known = self.known.filter { $0.value.expiry > now }
            if self.known.count >= Self.rememberedNames { self.known = [:] }
        }
        var seconds = Self.rememberedSeconds
        if case .failure = outcome { seconds = Self.rememberedFailureSeconds }
        self.known[host] = Known(outcome: outcome, expiry: now.advanced(bySeconds: seconds))
    }
}

/// getaddrinfo, in its order: the system's preference of families and addresses (RFC 6724).
public func systemLookUp(_ host: String) -> Result<[PeerAddress], NameFailure> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &found)
    guard code == 0 else { return .failure(NameFailure(String(cString: gai_strerror(code)))) }
    defer { freeaddrinfo(found) }
    var addresses: [PeerAddress] = []
    var next = found
    while let entry = next, addresses.count < 32 {
        next = entry.pointee.ai_next
        guard let address = entry.pointee.ai_addr,
            let read = PeerAddress(UnsafeRawPointer(address), length: Int(entry.pointee.ai_addrlen))
        else { continue }
        addresses.append(read.with(port: 0))
    }
    return addresses.isEmpty ? .failure(NameFailure("it has no address")) : .success(addresses)
}
