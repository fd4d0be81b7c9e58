import SwarmTypes

/// What we have asked of a peer and not got yet, oldest first.
struct OutstandingRequests: Sendable {
    struct Request: Hashable, Sendable {
        var block: Block
        var sentAt: Instant
    }

    private var requests: [Request] = []
    private var head = 0

    var count: Int { self.requests.count - self.head }
    var isEmpty: Bool { self.head == self.requests.count }
    var oldest: Request? { self.isEmpty ? nil : self.requests[self.head] }
    var all: ArraySlice<Request> { self.requests[self.head...] }

    mutating func append(_ block: Block, at now: Instant) {
        self.requests.append(Request(block: block, sentAt: now))
    }

    /// Takes a request out; nil when it is not there. Peers answer in order, so it is mostly the first.
    mutating func take(_ block: Block) -> Request? {
        guard let index = self.requests[self.head...].firstIndex(where: { $0.block == block }) else {
            return nil
        }
        let request = self.requests[index]
        if index == self.head {
            self.head += 1
            if self.head == self.requests.count {
                self.requests.removeAll(keepingCapacity: self.requests.capacity <= 512)
                self.head = 0
            } else if self.head > 512 {
                self.requests.removeFirst(self.head)
                self.head = 0
            }
        } else {
            self.requests.remove(at: index)
        }
        return request
    }

    mutating func removeAll() -> [Request] {
        defer {
            self.requests = []
            self.head = 0
        }
        return Array(self.all)
    }
}
