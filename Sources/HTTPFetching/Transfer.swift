import CCurl
import EventIO
import Glibc
import SwarmTypes

/// One exchange on its way. Lives on the fetcher's loop.
final class Transfer {
    typealias Completion = CheckedContinuation<Result<FetchResponse, FetchFailure>, Never>

    let ticket: FetchTicket
    let easy: EasyHandle
    private let request: FetchRequest
    private let sink: (any BodySink)?
    private let completion: Completion
    private var head = ResponseHead()
    private var body: [UInt8] = []
    private var bodyByteCount = 0
    /// Decided with the first bytes of the body.
    private var goesToSink: Bool?
    /// Whether the request has been sent, or the attempt has begun.
    private var isSent = false
    private var remoteAddress: PeerAddress?
    private var refusedAddress: PeerAddress?
    private var hasReachableAddress = false
    /// Why we ended it ourselves.
    private var ownFailure: FetchFailure?

    init(
        ticket: FetchTicket, easy: EasyHandle, request: FetchRequest, sink: (any BodySink)?,
        completion: Completion
    ) {
        self.ticket = ticket
        self.easy = easy
        self.request = request
        self.sink = sink
        self.completion = completion
    }

    func configure(userAgent: String) -> CURLcode {
        self.easy.configure(
            self.request, userAgent: userAgent, context: Unmanaged.passUnretained(self).toOpaque(),
            openSocket: { context, _, address in
                guard let context, let address else { return CURL_SOCKET_BAD }
                let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                return transfer.openSocket(address)
            },
            beforeRequest: { context, remoteHost, _, remotePort, _ in
                guard let context, let remoteHost else { return CURL_PREREQFUNC_ABORT }
                let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                transfer.remoteAddress = PeerAddress(
                    host: String(cString: remoteHost), port: UInt16(clamping: remotePort))
                return transfer.maySend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            },
            onHeader: { bytes, size, count, context in
                Transfer.receive(bytes, size, count, context) { $0.receiveHeader($1) }
            },
            onBody: { bytes, size, count, context in
                Transfer.receive(bytes, size, count, context) { $0.receiveBody($1) }
            })
    }

    /// To be called once.
    func finish(_ code: CURLcode) {
        if let failure = self.ownFailure { return self.finish(.failure(failure)) }
        guard code == CURLE_OK else {
            if code == CURLE_COULDNT_CONNECT, let address = self.refusedAddress, !self.hasReachableAddress {
                return self.finish(.failure(.addressRefused(address)))
            }
            return self.finish(.failure(FetchFailure(code, of: self.easy, for: self.request)))
        }
        guard self.head.isComplete else { return self.finish(.failure(.truncated)) }
        if self.head.isLengthAmbiguous {
            return self.finish(.failure(.other(code: 0, message: "the response has no single length")))
        }
        self.finish(
            .success(
                FetchResponse(
                    status: self.easy.status, headers: self.head.headers, body: self.body,
                    remoteAddress: self.remoteAddress)))
    }

    func finish(_ result: Result<FetchResponse, FetchFailure>) { self.completion.resume(returning: result) }

    /// Tells libcurl by another count than the given one that the transfer shall end.
    private static func receive(
        _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?,
        _ body: (Transfer, Span<UInt8>) -> Bool
    ) -> Int {
        // libcurl promises a size of 1.
        guard let bytes, let context, size == 1, count > 0 else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        let buffer = UnsafeRawBufferPointer(start: bytes, count: count).bindMemory(to: UInt8.self)
        return body(transfer, buffer.span) ? count : 0
    }

    /// Only for requests that say which addresses they may reach.
    private func openSocket(_ target: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        guard let bytes = weir_curl_address(target),
            let address = PeerAddress(bytes, length: Int(target.pointee.addrlen)), self.isReachable(address)
        else { return CURL_SOCKET_BAD }
        self.hasReachableAddress = true
        return socket(
            target.pointee.family, target.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
            target.pointee.protocol)
    }

    private func isReachable(_ address: PeerAddress) -> Bool {
        guard let mayReach = self.request.mayReach, !mayReach(address) else { return true }
        self.refusedAddress = address
        return false
    }

    /// libcurl sends a request again when a kept connection breaks before an answer.
    private func maySend() -> Bool {
        defer { self.isSent = true }
        // A kept connection was judged by the rules of the request that made it.
        if self.request.mayReach != nil {
            guard let address = self.remoteAddress else { return false }
            guard self.isReachable(address) else {
                self.ownFailure = .addressRefused(address)
                return false
            }
        }
        guard self.isSent, !self.request.isRepeatable else { return true }
        self.ownFailure = .other(
            code: Int32(bitPattern: CURLE_GOT_NOTHING.rawValue),
            message: "the connection broke before an answer came")
        return false
    }

    private func receiveHeader(_ line: Span<UInt8>) -> Bool {
        if self.head.receive(line) { return true }
        switch self.head.excess {
        case .tooManyHeaders(let maximum):
            self.ownFailure = .other(code: 0, message: "more than \(maximum) response headers")
        case .tooManyBytes(let maximum):
            self.ownFailure = .other(code: 0, message: "more than \(maximum) bytes of response headers")
        case nil:
            break
        }
        return false
    }

    /// Where a sink takes the body of a good answer, that of another answer is collected, and is short.
    private var maximumBodyBytes: Int {
        let isForSink = self.sink != nil && self.easy.status != 200
        return isForSink ? min(self.request.maximumBodyBytes, 1 << 20) : self.request.maximumBodyBytes
    }

    private func receiveBody(_ bytes: Span<UInt8>) -> Bool {
        let maximum = self.maximumBodyBytes
        guard bytes.count <= maximum - self.bodyByteCount else {
            self.ownFailure = .bodyTooLong(maximum: maximum)
            return false
        }
        self.bodyByteCount += bytes.count
        let goesToSink = self.goesToSink ?? (self.sink != nil && self.easy.status == 200)
        self.goesToSink = goesToSink
        if goesToSink, let sink = self.sink {
            if sink.receive(bytes) { return true }
            self.ownFailure = .refusedBySink
            return false
        }
        bytes.withUnsafeBufferPointer { self.body.append(contentsOf: $0) }
        return true
    }
}
