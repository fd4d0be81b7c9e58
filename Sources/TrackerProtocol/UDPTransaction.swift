import ByteCoding
public import SwarmTypes

/// What a UDP tracker lets us ask with, for a minute after it came (BEP 15).
public struct UDPConnection: Hashable, Sendable {
    public static let lifetimeSeconds: Double = 60

    public let id: UInt64
    public let expiry: Instant

    public init(id: UInt64, receivedAt now: Instant) {
        self.id = id
        self.expiry = now.advanced(bySeconds: Self.lifetimeSeconds)
    }

    public func isValid(at now: Instant) -> Bool { now < self.expiry }
}

/// How long a transaction waits for an answer to each packet it sends, and so how many it sends at most.
public struct UDPTiming: Hashable, Sendable {
    public let waitSeconds: [Double]

    public init(waitSeconds: [Double]) { self.waitSeconds = waitSeconds }

    /// BEP 15: 15 · 2ⁿ seconds, n up to 8.
    public static let standard = UDPTiming(waitSeconds: (0...8).map { 15 * Double(1 << $0) })
    /// Gives up after a minute, when the next tracker is to have its turn.
    public static let prompt = UDPTiming(waitSeconds: [4, 8, 15, 30])
}

/// One exchange with one address of a UDP tracker: a connection if there is none, then the request (BEP 15).
///
/// Everything but the awaited answer is ignored: forged, late, short and mismatched packets change nothing. That a
/// packet came from the address that was asked is for the caller to check.
public struct UDPTransaction: Sendable {
    public enum Action: Equatable, Sendable {
        case ignore
        case send([UInt8])
        case answered(TrackerReply)
        case failed(AnnounceFailure)
    }

    private enum Phase: Equatable {
        /// Leaves to: requesting.
        case connecting
        /// Leaves to: connecting, ended.
        case requesting
        case ended
    }

    private let request: TrackerRequest
    private let url: TrackerURL
    private let isIPv6: Bool
    private let timing: UDPTiming
    private var phase: Phase
    /// Packets sent in vain for this connection, and requests sent in vain: these are not counted anew with a new
    /// connection, so that a tracker that only ever connects is given up.
    private var connectCount = 0
    private var requestCount = 0
    /// The connection was another transaction's; a tracker that has been restarted does not know it.
    private var isConnectionBorrowed: Bool
    /// The one to ask with; of use to other transactions too.
    public private(set) var connection: UDPConnection?
    /// Which answers to hand in: by it the caller finds the transaction. Changes with each packet but repeated ones.
    public private(set) var transactionID: UInt32
    /// Nil before `start` and after the end.
    public private(set) var nextDeadline: Instant?

    public init(
        _ request: TrackerRequest, to url: TrackerURL, isIPv6: Bool, connection: UDPConnection? = nil,
        timing: UDPTiming = .prompt, using random: inout some RandomNumberGenerator
    ) {
        self.request = request
        self.url = url
        self.isIPv6 = isIPv6
        self.timing = timing
        self.connection = connection
        self.isConnectionBorrowed = connection != nil
        self.phase = connection == nil ? .connecting : .requesting
        self.transactionID = random.next()
    }

    /// Which transaction a datagram belongs to; nil for what is no answer.
    public static func transactionID(of datagram: ArraySlice<UInt8>) -> UInt32? {
        UDPTrackerPacket.Header(datagram)?.transaction
    }

    /// To be called once, first.
    public mutating func start(at now: Instant, using random: inout some RandomNumberGenerator) -> Action {
        self.send(at: now, using: &random)
    }

    public mutating func received(
        _ datagram: ArraySlice<UInt8>, at now: Instant, using random: inout some RandomNumberGenerator
    ) -> Action {
        guard self.phase != .ended, self.nextDeadline != nil, let header = UDPTrackerPacket.Header(datagram),
            header.transaction == self.transactionID
        else { return .ignore }
        var body = header.body
        switch (header.action, self.phase) {
        case (.error, .requesting) where self.isConnectionBorrowed:
            self.reconnect(using: &random)
            return self.send(at: now, using: &random)
        case (.error, _):
            return self.end(.failed(.refused(TrackerText(body.rest), retry: .unsaid)))
        case (.connect, .connecting):
            guard let id = body.number(UInt64.self) else { return .ignore }
            self.connection = UDPConnection(id: id, receivedAt: now)
            self.phase = .requesting
            self.transactionID = random.next()
            return self.send(at: now, using: &random)
        case (self.request.action, .requesting):
            guard let reply = self.request.reply(body, isIPv6: self.isIPv6) else { return .ignore }
            return self.end(.answered(reply))
        default:
            return .ignore
        }
    }

    /// Call it when `nextDeadline` has passed; before that it does nothing.
    public mutating func timerFired(
        at now: Instant, using random: inout some RandomNumberGenerator
    ) -> Action {
        guard let deadline = self.nextDeadline, deadline <= now else { return .ignore }
        if self.phase == .requesting, self.isConnectionBorrowed { self.reconnect(using: &random) }
        return self.send(at: now, using: &random)
    }

    private mutating func send(at now: Instant, using random: inout some RandomNumberGenerator) -> Action {
        if self.phase == .requesting, self.connection?.isValid(at: now) != true {
            self.reconnect(using: &random)
        }
        let count = self.phase == .connecting ? self.connectCount : self.requestCount
        guard count < self.timing.waitSeconds.count else { return self.end(.failed(.timedOut)) }
        self.nextDeadline = now.advanced(bySeconds: self.timing.waitSeconds[count])
        guard self.phase == .requesting, let connection = self.connection else {
            self.connectCount += 1
            return .send(UDPTrackerPacket.connect(transaction: self.transactionID))
        }
        self.requestCount += 1
        return .send(
            UDPTrackerPacket.request(
                self.request, url: self.url, connection: connection.id, transaction: self.transactionID))
    }

    private mutating func reconnect(using random: inout some RandomNumberGenerator) {
        self.phase = .connecting
        self.connection = nil
        self.isConnectionBorrowed = false
        self.connectCount = 0
        self.transactionID = random.next()
    }

    private mutating func end(_ action: Action) -> Action {
        self.phase = .ended
        self.nextDeadline = nil
        return action
    }
}
