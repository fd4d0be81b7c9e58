public import StallDiagnosis
public import SwarmTypes
import TestKit

/// Names peers to each other. What it says can be set.
public final class SimulatedTracker {
    public var state = TrackerState.working
    public var words = ""
    /// Of one answer.
    public var answerLimit = 50
    public var intervalSeconds = 120.0
    /// What it counts; nil when it does not say.
    public var seeds: Int?
    public var leechers: Int?
    /// Names those, and nobody else, when it is not nil.
    public var onlyNames: [PeerAddress]?
    private var registered: [PeerAddress] = []

    public func register(_ address: PeerAddress) {
        if !self.registered.contains(address) { self.registered.append(address) }
    }

    /// Up to `answerLimit` others, by lot; nil when it does not answer.
    func announce(from address: PeerAddress, using random: inout SplitMix64) -> [PeerAddress]? {
        guard self.state == .working else { return nil }
        self.register(address)
        if let only = self.onlyNames { return only }
        var others = self.registered.filter { $0 != address }
        var chosen: [PeerAddress] = []
        while chosen.count < self.answerLimit, !others.isEmpty {
            let index = Int.random(in: 0..<others.count, using: &random)
            chosen.append(others[index])
            others.swapAt(index, others.count - 1)
            others.removeLast()
        }
        return chosen
    }
}
