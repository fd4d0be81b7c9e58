public import SwarmTypes

/// Addresses that turned out to be our own, as trackers and peers name them to us among others: dialling them is of no use.
public struct OwnAddresses: Sendable {
    /// One has a handful: each address of the machine, and what routers make of it.
    static let limit = 32

    private var addresses: [PeerAddress] = []

    public init() {}

    public func contains(_ address: PeerAddress) -> Bool { self.addresses.contains(address) }

    /// We have dialled it, and found ourselves. The one found first is forgotten for one too many.
    public mutating func found(_ address: PeerAddress) {
        guard !self.contains(address) else { return }
        if self.addresses.count >= Self.limit { self.addresses.removeFirst() }
        self.addresses.append(address)
    }

    /// We listen elsewhere now.
    public mutating func removeAll() { self.addresses = [] }
}
