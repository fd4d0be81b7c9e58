import CCurl
import Glibc

extension FetchFailure {
    /// What a failed transfer means for the caller.
    init(_ code: CURLcode, of easy: EasyHandle, for request: FetchRequest) {
        let message = easy.message(for: code)
        switch code {
        // The second is what some releases say of a bad port; all other arguments are ours and good.
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
            self = .invalidURL(request.url)
        case CURLE_COULDNT_RESOLVE_HOST:
            self = .hostNotFound(message)
        case CURLE_COULDNT_CONNECT:
            self = easy.systemCode == ECONNREFUSED ? .connectionRefused : .unreachable(message)
        // The handshake failed for another reason than the certificate: often a server without TLS.
        case CURLE_SSL_CONNECT_ERROR, CURLE_INTERFACE_FAILED:
            self = .unreachable(message)
        case CURLE_OPERATION_TIMEDOUT:
            self = .timedOut(afterSeconds: easy.totalSeconds)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self = .untrusted(message)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            self = .truncated
        case CURLE_FILESIZE_EXCEEDED:
            self = .bodyTooLong(maximum: request.maximumBodyBytes)
        default:
            self = .other(code: Int32(bitPattern: code.rawValue), message: message)
        }
    }

    /// Why a request cannot be sent at all; nil for a good one.
    static func refusing(_ request: FetchRequest) -> FetchFailure? {
        let start = request.url.prefix(8).lowercased()
        let rest = request.url.dropFirst(start.hasPrefix("https") ? 8 : 7)
        guard start.hasPrefix("http://") || start == "https://", let first = rest.first, first != "/",
            request.url.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else {
            return .invalidURL(request.url)
        }
        for header in request.headers {
            let isName =
                !header.name.isEmpty && header.name.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x3A }
            // A line break would begin a header of its own, a NUL cut the text short in C.
            let isValue = header.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            if !isName || !isValue {
                return .other(
                    code: Int32(bitPattern: CURLE_BAD_FUNCTION_ARGUMENT.rawValue),
                    message: "a request header has a character that cannot be sent")
            }
        }
        return nil
    }
}
