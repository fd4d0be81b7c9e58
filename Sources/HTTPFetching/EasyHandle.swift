import CCurl

/// Owner of one libcurl transfer handle and of the memory that the handle only points to.
///
/// Used by the fetcher's loop alone.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let message: UnsafeMutablePointer<CChar>

    /// Nil when there is no memory.
    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
        self.message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(self.pointer)
        curl_slist_free_all(self.headers)
        self.message.deallocate()
    }

    /// Forgets all options of the last transfer. Connections belong to the fetcher and stay.
    func reset() {
        curl_easy_reset(self.pointer)
        curl_slist_free_all(self.headers)
        self.headers = nil
        self.message[0] = 0
    }

    /// What libcurl has to say about a failure, in words.
    func message(for code: CURLcode) -> String {
        self.message[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: self.message)
    }

    var status: Int { weir_curl_long(self.pointer, CURLINFO_RESPONSE_CODE) }

    var totalSeconds: Double { weir_curl_double(self.pointer, CURLINFO_TOTAL_TIME) }

    /// The `errno` of a failed connect.
    var systemCode: Int32 { Int32(truncatingIfNeeded: weir_curl_long(self.pointer, CURLINFO_OS_ERRNO)) }

    /// Sets everything the request says. `context` goes to all callbacks.
    func configure(
        _ request: FetchRequest, userAgent: String, context: UnsafeMutableRawPointer,
        openSocket: curl_opensocket_callback, beforeRequest: curl_prereq_callback,
        onHeader: curl_write_callback, onBody: curl_write_callback
    ) -> CURLcode {
        let easy = self.pointer
        let milliseconds = { (seconds: Double) in seconds > 0.001 ? Int(min(seconds, 1e6) * 1000) : 1 }
        // Compressed bytes are counted here, decoded ones where they arrive. Compression can add a little.
        let decoded = max(0, request.maximumBodyBytes)
        let announced = decoded.addingReportingOverflow(decoded / 1000 + 1024)
        let steps: [() -> CURLcode] = [
            { weir_curl_set_text(easy, CURLOPT_URL, request.url) },
            { weir_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") },
            { weir_curl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) },
            { weir_curl_set_long(easy, CURLOPT_NOSIGNAL, 1) },
            // A proxy meant for other programs must not see our credentials.
            { weir_curl_set_text(easy, CURLOPT_PROXY, "") },
            { weir_curl_set_text(easy, CURLOPT_USERAGENT, userAgent) },
            {
                weir_curl_set_long(
                    easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connectTimeoutSeconds))
            },
            { weir_curl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(request.timeoutSeconds)) },
            {
                weir_curl_set_offset(
                    easy, CURLOPT_MAXFILESIZE_LARGE, announced.overflow ? .max : announced.partialValue)
            },
            { weir_curl_set_long(easy, CURLOPT_BUFFERSIZE, 64 * 1024) },
            { weir_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, self.message) },
            {
                request.mayReach == nil ? CURLE_OK : weir_curl_set_open_socket(easy, openSocket, context)
            },
            { weir_curl_set_long(easy, CURLOPT_IPRESOLVE, Self.ipVersion(request.ipVersion)) },
            { weir_curl_set_before_request(easy, beforeRequest, context) },
            { weir_curl_set_writer(easy, CURLOPT_HEADERFUNCTION, onHeader) },
            { weir_curl_set_pointer(easy, CURLOPT_HEADERDATA, context) },
            { weir_curl_set_writer(easy, CURLOPT_WRITEFUNCTION, onBody) },
            { weir_curl_set_pointer(easy, CURLOPT_WRITEDATA, context) },
            { self.setHeaders(of: request) },
            { self.setMethod(of: request) },
            { self.setTrust(request.trust) },
        ]
        for step in steps {
            let code = step()
            guard code == CURLE_OK else { return code }
        }
        return CURLE_OK
    }

    private static func ipVersion(_ version: FetchRequest.IPVersion) -> Int {
        switch version {
        case .any: Int(CURL_IPRESOLVE_WHATEVER)
        case .ipv4: Int(CURL_IPRESOLVE_V4)
        case .ipv6: Int(CURL_IPRESOLVE_V6)
        }
    }

    private func setMethod(of request: FetchRequest) -> CURLcode {
        switch request.method {
        case .get:
            return weir_curl_set_long(self.pointer, CURLOPT_HTTPGET, 1)
        case .post:
            let code = weir_curl_set_offset(self.pointer, CURLOPT_POSTFIELDSIZE_LARGE, request.body.count)
            guard code == CURLE_OK else { return code }
            // Copies; a NULL would mean to ask a callback, so an empty body points to something too.
            var bytes = request.body.isEmpty ? [0] : request.body
            return bytes.withUnsafeMutableBytes {
                weir_curl_set_pointer(self.pointer, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
            }
        }
    }

    private func setHeaders(of request: FetchRequest) -> CURLcode {
        // Without this, a body of more than a megabyte waits a second for "100 Continue".
        guard self.append("Expect:") else { return CURLE_OUT_OF_MEMORY }
        for header in request.headers {
            // For libcurl "Name:" takes a header away and "Name;" sends an empty one.
            guard self.append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
            else {
                return CURLE_OUT_OF_MEMORY
            }
        }
        let code = weir_curl_set_pointer(self.pointer, CURLOPT_HTTPHEADER, self.headers)
        guard code == CURLE_OK else { return code }
        if request.headers.contains(where: { $0.name.lowercased() == "accept-encoding" }) { return code }
        return weir_curl_set_text(self.pointer, CURLOPT_ACCEPT_ENCODING, "gzip")
    }

    private func append(_ line: String) -> Bool {
        guard let extended = curl_slist_append(self.headers, line) else { return false }
        self.headers = extended
        return true
    }

    private func setTrust(_ trust: FetchTrust) -> CURLcode {
        if !trust.isVerified {
            let code = weir_curl_set_long(self.pointer, CURLOPT_SSL_VERIFYPEER, 0)
            guard code == CURLE_OK else { return code }
            return weir_curl_set_long(self.pointer, CURLOPT_SSL_VERIFYHOST, 0)
        }
        guard let file = trust.authorityFile else { return CURLE_OK }
        // The system's directory would be believed beside the file.
        let code = weir_curl_set_text(self.pointer, CURLOPT_CAPATH, nil)
        guard code == CURLE_OK else { return code }
        return weir_curl_set_text(self.pointer, CURLOPT_CAINFO, file)
    }
}
