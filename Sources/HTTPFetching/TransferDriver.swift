import CCurl
import EventIO
import Synchronization

/// Drives libcurl's transfers from an event loop.
///
/// `@unchecked Sendable`: after `init` everything is touched on the loop alone. libcurl calls back only from
/// within `enter`, and is not entered again from there.
final class TransferDriver: @unchecked Sendable {
    /// Handles kept for the next transfers; one costs some kilobytes.
    private static let maximumSpareHandles = 8
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    let loop: EventLoop
    private let userAgent: String
    private let maximumConnectionsPerHost: Int
    /// Made with the first transfer; nil before and after.
    private var multi: UnsafeMutableRawPointer?
    private var isClosed = false
    private var isInside = false
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
    private var spareHandles: [EasyHandle] = []
    private var timer: TimerToken?
    private var ending: TimerToken?
    private var watched: Set<Int32> = []

    init(loop: EventLoop, userAgent: String, maximumConnectionsPerHost: Int) {
        self.loop = loop
        self.userAgent = userAgent
        self.maximumConnectionsPerHost = max(1, maximumConnectionsPerHost)
    }

    /// Runs at once on the loop, unless libcurl is on the stack: a sink may cause new requests.
    func perform(_ body: @escaping @Sendable () -> Void) {
        if self.loop.isCurrent, !self.isInside { body() } else { self.loop.post(body) }
    }

    func start(
        _ ticket: FetchTicket, _ request: FetchRequest, into sink: (any BodySink)?,
        _ completion: Transfer.Completion
    ) {
        if self.isClosed || ticket.isCancelled.load(ordering: .acquiring) {
            return completion.resume(returning: .failure(.cancelled))
        }
        if let failure = FetchFailure.refusing(request) {
            return completion.resume(returning: .failure(failure))
        }
        guard let multi = self.readyMulti(), let easy = self.spareHandles.popLast() ?? EasyHandle() else {
            if self.isClosed { return completion.resume(returning: .failure(.cancelled)) }
            let code = CURLE_FAILED_INIT
            return completion.resume(
                returning: .failure(
                    .other(
                        code: Int32(bitPattern: code.rawValue),
                        message: String(cString: curl_easy_strerror(code)))))
        }
        let transfer = Transfer(
            ticket: ticket, easy: easy, request: request, sink: sink, completion: completion)
        let code = transfer.configure(userAgent: self.userAgent)
        guard code == CURLE_OK else { return transfer.finish(code) }
        self.transfers[easy.pointer] = transfer
        let added = self.enter { curl_multi_add_handle(multi, easy.pointer) }
        if added != CURLM_OK { self.end(transfer, CURLE_FAILED_INIT) }
    }

    func cancel(_ ticket: FetchTicket) {
        guard let transfer = self.transfers.values.first(where: { $0.ticket === ticket }) else { return }
        self.detach(transfer)
        transfer.finish(.failure(.cancelled))
    }

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        for transfer in self.transfers.values {
            self.detach(transfer)
            transfer.finish(.failure(.cancelled))
        }
        self.spareHandles = []
        if let multi = self.multi { _ = self.enter { curl_multi_cleanup(multi) } }
        self.multi = nil
        for token in [self.timer, self.ending] {
            if let token { self.loop.cancel(token) }
        }
        self.timer = nil
        self.ending = nil
    }

    private func readyMulti() -> UnsafeMutableRawPointer? {
        if let multi = self.multi { return multi }
        guard Self.isLibraryReady, let multi = curl_multi_init() else { return nil }
        let code = weir_curl_multi_set_up(
            multi, socketChanged, timerChanged, Unmanaged.passUnretained(self).toOpaque(),
            self.maximumConnectionsPerHost, 4 * self.maximumConnectionsPerHost)
        guard code == CURLM_OK else {
            curl_multi_cleanup(multi)
            return nil
        }
        self.multi = multi
        // Holds us for libcurl, which does not, until the fetcher or the loop ends.
        self.ending = self.loop.whenEnding { self.close() }
        // The loop may have ended already, and taken the library with it.
        return self.multi
    }

    private func enter<Answer>(_ body: () -> Answer) -> Answer {
        self.isInside = true
        defer { self.isInside = false }
        return body()
    }

    /// Takes a transfer out, and its handle back.
    private func detach(_ transfer: Transfer) {
        let easy = transfer.easy
        guard self.transfers.removeValue(forKey: easy.pointer) != nil else { return }
        if let multi = self.multi { _ = self.enter { curl_multi_remove_handle(multi, easy.pointer) } }
        easy.reset()
        guard self.spareHandles.count < Self.maximumSpareHandles, !self.isClosed else { return }
        self.spareHandles.append(easy)
    }

    private func end(_ transfer: Transfer, _ code: CURLcode) {
        // First of all, because the handle forgets when it is given back.
        transfer.finish(code)
        self.detach(transfer)
    }

    /// Tells libcurl that a descriptor is ready or its time has come, and completes what is finished.
    private func act(on descriptor: Int32, _ ready: Int32) {
        guard let multi = self.multi else { return }
        var running: Int32 = 0
        _ = self.enter { curl_multi_socket_action(multi, descriptor, ready, &running) }
        var easy: UnsafeMutableRawPointer?
        var code = CURLE_OK
        while weir_curl_next_finished(multi, &easy, &code) != 0 {
            if let easy, let transfer = self.transfers[easy] { self.end(transfer, code) }
        }
    }
}

/// What libcurl asks for.
extension TransferDriver {
    fileprivate func setInterest(_ descriptor: Int32, _ interest: Readiness?) {
        guard let interest else {
            self.watched.remove(descriptor)
            return self.loop.unwatch(descriptor)
        }
        do throws(SystemCallFailure) {
            if self.watched.insert(descriptor).inserted {
                try self.loop.watch(descriptor, for: interest) { ready in
                    var bits: Int32 = 0
                    if ready.contains(.readable) { bits |= CURL_CSELECT_IN }
                    if ready.contains(.writable) { bits |= CURL_CSELECT_OUT }
                    if ready.contains(.hungUp) { bits |= CURL_CSELECT_ERR }
                    self.act(on: descriptor, bits)
                }
            } else {
                try self.loop.modify(descriptor, for: interest)
            }
        } catch {
            // The kernel has no memory for one more watch. The transfer runs into its time limit, which
            // names it.
            self.watched.remove(descriptor)
            self.loop.unwatch(descriptor)
        }
    }

    /// Nil takes the timer away.
    fileprivate func setTimer(milliseconds: Int?) {
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = milliseconds.map { milliseconds in
            self.loop.schedule(afterSeconds: Double(milliseconds) / 1000) {
                self.timer = nil
                self.act(on: CURL_SOCKET_TIMEOUT, 0)
            }
        }
    }
}

private func driver(_ context: UnsafeMutableRawPointer?) -> TransferDriver? {
    context.map { Unmanaged<TransferDriver>.fromOpaque($0).takeUnretainedValue() }
}

private func socketChanged(
    easy: UnsafeMutableRawPointer?, descriptor: curl_socket_t, what: Int32, context: UnsafeMutableRawPointer?,
    socketContext: UnsafeMutableRawPointer?
) -> Int32 {
    let interest: Readiness? =
        switch what {
        case CURL_POLL_IN: .readable
        case CURL_POLL_OUT: .writable
        case CURL_POLL_INOUT: [.readable, .writable]
        case CURL_POLL_REMOVE: nil
        default: []
        }
    driver(context)?.setInterest(descriptor, interest)
    return 0
}

private func timerChanged(
    multi: UnsafeMutableRawPointer?, milliseconds: Int, context: UnsafeMutableRawPointer?
) -> Int32 {
    driver(context)?.setTimer(milliseconds: milliseconds < 0 ? nil : milliseconds)
    return 0
}
