import HTTPFetching
import JSONScanning

/// Makes something of a document's events.
protocol EventReading {
    /// The row, if any, is `scanner.row` and lives until the next event. Answers false to refuse the rest.
    mutating func receive(_ event: DocumentEvent, from scanner: borrowing DocumentScanner) -> Bool
}

protocol CountingSink: BodySink {
    var bytesReceived: Int { get }
}

/// Scans an answer as it arrives.
///
/// `@unchecked Sendable`: the fetcher's loop alone uses it from the call of `fetch` to its return, and the
/// caller, who waits meanwhile, before and after; both borders are synchronised by that `await`.
final class DocumentSink<Reader: EventReading>: CountingSink, @unchecked Sendable {
    private var scanner: DocumentScanner
    private var reader: Reader
    private var failure: JSONFailure?
    private var isRefused = false
    private(set) var bytesReceived = 0

    init(_ shape: DocumentShape, _ reader: Reader) {
        self.scanner = DocumentScanner(shape)
        self.reader = reader
    }

    func receive(_ bytes: Span<UInt8>) -> Bool {
        self.bytesReceived += bytes.count
        guard self.failure == nil, !self.isRefused else { return false }
        do throws(JSONFailure) {
            var position = 0
            while let event = try self.scanner.next(in: bytes, from: &position) {
                guard self.reader.receive(event, from: self.scanner) else {
                    self.isRefused = true
                    return false
                }
            }
            return true
        } catch {
            self.failure = error
            return false
        }
    }

    /// What was wrong with the part that came; nil when nothing was.
    func failure(at endpoint: Endpoint) -> ClientFailure? {
        if self.isRefused {
            return .malformedAnswer(endpoint: endpoint, "more rows than this client bears")
        }
        return self.failure.map { ClientFailure($0, at: endpoint) }
    }

    /// The reader, once the document was whole.
    func finish(at endpoint: Endpoint) throws(ClientFailure) -> Reader {
        if let failure = self.failure(at: endpoint) { throw failure }
        do { try self.scanner.finish() } catch { throw ClientFailure(error, at: endpoint) }
        return self.reader
    }
}
