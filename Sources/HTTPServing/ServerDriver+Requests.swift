import CMicrohttpd
import SwarmTypes

/// The way of one request through its phases.
extension ServerDriver {
    /// Answers false to cut the connection.
    func proceed(
        _ exchange: Exchange, method: String, version: UInt, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        switch exchange.phase {
        case .begun:
            return self.begin(exchange, method: method, version: version)
        case .receiving(let maximum):
            if bytes.isEmpty { return self.answer(exchange, method: method) }
            if exchange.body.count + bytes.count <= maximum {
                exchange.body.append(contentsOf: bytes)
            } else {
                exchange.body = []
                exchange.phase = .refusing(.bodyTooLong(maximum: maximum), discardedBytes: 0)
            }
            return true
        case .refusing(let response, let discarded, let maximum):
            if bytes.isEmpty { return self.send(response, exchange) }
            exchange.phase = .refusing(
                response, discardedBytes: discarded + bytes.count, maximumBytes: maximum)
            return discarded + bytes.count <= maximum
        case .ready(let response):
            return self.send(response, exchange)
        case .suspended, .streaming, .answered, .closed:
            // The library has no further question about a request that it knows to be suspended or answered.
            return false
        }
    }

    /// The headers are complete, nothing of the body is read yet.
    private func begin(_ exchange: Exchange, method: String, version: UInt) -> Bool {
        guard exchange.readHeaders(maximum: self.limits.headers) else {
            return self.refuse(.tooManyHeaders(maximum: self.limits.headers), exchange, mustClose: true)
        }
        let framing = RequestFraming(headers: exchange.headers)
        guard framing != .ambiguous else { return self.refuse(.ambiguousBody(), exchange, mustClose: true) }
        guard let target = exchange.target, !exchange.isTargetCut(version: version) else {
            return self.refuse(.badTarget(), exchange, mustClose: framing.hasBody)
        }
        let maximum = self.handler.maximumBodyBytes(method: Self.shown(method), path: target.path)
        if case .length(let length) = framing, length > maximum {
            // Who waits for "100 Continue" has not sent the body yet.
            let isHarmless = length <= maximumDiscardedBytes && exchange.header("expect") == nil
            return self.refuse(.bodyTooLong(maximum: maximum), exchange, mustClose: !isHarmless)
        }
        if framing.mayExceed(unquestionedBodyBytes), maximum > unquestionedBodyBytes,
            let refusal = self.handler.earlyRefusal(of: Self.request(exchange, target, method: method))
        {
            // Who has to log in anew is to learn so, and clients read no answer before they have sent everything: the body is
            // read, and nothing of it kept.
            if exchange.header("expect") != nil { return self.send(refusal.closing(), exchange) }
            exchange.phase = .refusing(refusal, discardedBytes: 0, maximumBytes: maximum)
            return true
        }
        exchange.phase = .receiving(maximumBytes: maximum)
        return true
    }

    private static func request(_ exchange: Exchange, _ target: RequestTarget, method: String) -> HTTPRequest
    {
        HTTPRequest(
            method: self.shown(method), path: target.path, query: target.query, headers: exchange.headers,
            body: exchange.body, peerAddress: exchange.client.peerAddress)
    }

    /// To refuse before the body is read ends the connection.
    private func refuse(_ response: HTTPResponse, _ exchange: Exchange, mustClose: Bool) -> Bool {
        if mustClose { return self.send(response.closing(), exchange) }
        exchange.phase = .refusing(response, discardedBytes: 0)
        return true
    }

    private func answer(_ exchange: Exchange, method: String) -> Bool {
        if self.isStopping { return self.send(HTTPResponse.stopping().closing(), exchange) }
        // `begin` let no exchange without a target come here.
        guard let target = exchange.target else { return false }
        exchange.client.deadline = nil
        let request = Self.request(exchange, target, method: method)
        exchange.headers = []
        exchange.body = []
        switch self.handler.answer(request) {
        case .now(let response):
            return self.send(response, exchange)
        case .later(let answer):
            self.suspend(exchange, until: answer)
            return true
        case .streaming(let head, let owner):
            if method == "HEAD" { return self.send(head, exchange) }
            return self.begin(head, exchange, owner)
        }
    }

    /// The library itself keeps the body of a HEAD's response back.
    private static func shown(_ method: String) -> String { method == "HEAD" ? "GET" : method }

    func send(_ response: HTTPResponse, _ exchange: Exchange) -> Bool {
        exchange.phase = .answered
        exchange.client.deadline = self.now.advanced(bySeconds: self.limits.responseSeconds)
        if response.slices != nil || response.body.count > Self.longestCopied {
            let handle = self.handle(for: response, exchange.client)
            if let handle, Self.queue(response, handle, exchange.connection) { return true }
            return Self.queue(.unsendable(), exchange.connection)
        }
        return Self.queue(response, exchange.connection) || Self.queue(.unsendable(), exchange.connection)
    }

    /// Answers false for what the library will not send, such as a header value with a line break.
    private static func queue(_ response: HTTPResponse, _ connection: OpaquePointer) -> Bool {
        let handle = response.body.withUnsafeBytes { bytes in
            // Copied, so the pointer is not written to although its type says so.
            MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
        }
        return handle.map { Self.queue(response, $0, connection) } ?? false
    }

    /// Queues a response with the head of `response`; its body is in `handle`, which is the library's from now on.
    static func queue(_ response: HTTPResponse, _ handle: OpaquePointer, _ connection: OpaquePointer) -> Bool
    {
        defer { MHD_destroy_response(handle) }
        guard 200...599 ~= response.status, let status = UInt32(exactly: response.status) else {
            return false
        }
        for header in response.headers {
            // The length is the library's to say.
            if header.name.utf8.count == 14, header.name.lowercased() == "content-length" { continue }
            guard Self.isSendable(header.name), Self.isSendable(header.value),
                MHD_add_response_header(handle, header.name, header.value) == .YES
            else { return false }
        }
        return MHD_queue_response(connection, status, handle) == .YES
    }

    /// A NUL would cut the text short in C, and a line break begin a header of its own.
    private static func isSendable(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
