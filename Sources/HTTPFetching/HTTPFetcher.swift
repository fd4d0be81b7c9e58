public import EventIO
import Synchronization

/// Sends HTTP requests from an event loop, through libcurl, without a thread of its own but for the look-up
/// of names.
///
/// Speaks HTTP/1.1, follows no redirect, keeps no cookie, uses no proxy. Connections are kept and used again.
/// When a kept one turns out dead before a single byte came back, libcurl sends the request once more on a
/// fresh one; every other retry is the caller's. A body goes out as a form unless a header names its type.
///
/// A response without a length ends with its connection, and a compressed one may lack its end with its length
/// intact: neither is noticed here. What is read from a body must show by itself that it is whole, as JSON does.
public final class HTTPFetcher: Fetching {
    private let driver: TransferDriver

    /// `userAgent` is such as "Weir/1.0".
    public init(loop: EventLoop, userAgent: String, maximumConnectionsPerHost: Int = 2) {
        self.driver = TransferDriver(
            loop: loop, userAgent: userAgent, maximumConnectionsPerHost: maximumConnectionsPerHost)
    }

    deinit { self.close() }

    /// Ends all exchanges with `cancelled`, and each later one; closes the kept connections. The end of the
    /// loop does the same.
    public func close() {
        self.driver.loop.post { [driver = self.driver] in driver.close() }
    }

    public func fetch(
        _ request: FetchRequest, into sink: (any BodySink)?
    ) async throws(FetchFailure) -> FetchResponse {
        let ticket = FetchTicket()
        let driver = self.driver
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (completion: Transfer.Completion) in
                driver.perform { driver.start(ticket, request, into: sink, completion) }
            }
        } onCancel: {
            // In this order: a start that overtakes the posted cancellation sees the flag.
            ticket.isCancelled.store(true, ordering: .releasing)
            driver.loop.post { driver.cancel(ticket) }
        }
        return try result.get()
    }
}

/// Names one exchange, from before it starts.
final class FetchTicket: Sendable {
    let isCancelled = Atomic(false)
}
