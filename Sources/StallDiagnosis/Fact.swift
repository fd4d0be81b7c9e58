import SwarmTypes

/// One piece of evidence: a number of the snapshot with its name, and the same for people.
public struct Fact: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case count(Int)
        case seconds(Double)
        case bytes(Int64)
        case text(String)
        case flag(Bool)
    }

    /// Stable, snake case.
    public let name: String
    public let value: Value
    /// A short phrase; foreign text in it is escaped.
    public let phrase: String

    init(_ name: String, _ value: Value, _ phrase: String) {
        self.name = name
        self.value = value
        self.phrase = phrase
    }
}

extension Fact {
    static func count(_ name: String, _ count: Int, _ phrase: String) -> Fact {
        Fact(name, .count(count), phrase)
    }

    /// How long something lasts; the phrase ends with the duration.
    static func age(_ name: String, of since: Instant, at now: Instant, _ phrase: String) -> Fact {
        let seconds = since.age(at: now)
        return Fact(name, .seconds(seconds), "\(phrase) \(spelledDuration(seconds))")
    }

    /// How long since something happened.
    static func ago(_ name: String, _ then: Instant, at now: Instant, _ phrase: String) -> Fact {
        let seconds = then.age(at: now)
        return Fact(name, .seconds(seconds), "\(phrase) \(spelledDuration(seconds)) ago")
    }

    /// How long until something happens; the phrase ends with the duration.
    static func until(_ name: String, _ then: Instant, at now: Instant, _ phrase: String) -> Fact {
        let seconds = now.age(at: then)
        return Fact(name, .seconds(seconds), "\(phrase) \(spelledDuration(seconds))")
    }

    static func rate(_ name: String, _ rate: ByteRate, _ phrase: String) -> Fact {
        Fact(name, .bytes(rate.bytesPerSecond), "\(phrase) \(spelledRate(rate))")
    }

    /// Foreign text: the value as it came, the phrase escaped and in quotes.
    static func quoted(_ name: String, _ text: String, _ phrase: String) -> Fact {
        Fact(name, .text(text), "\(phrase): \"\(visibleText(text))\"")
    }
}

extension Instant {
    /// In seconds, never negative: a snapshot may hold instants a moment ahead.
    func age(at now: Instant) -> Double { max(0, now.seconds(since: self)) }
}
