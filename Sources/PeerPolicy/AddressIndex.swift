import SwarmTypes

/// Finds the number of a record by its address: open addressing, two bytes a place.
struct AddressIndex: Sendable {
    private static let nobody = UInt16.max
    private var places: [UInt16]
    private var count = 0

    init() { self.places = [UInt16](repeating: Self.nobody, count: 32) }

    func find(_ wanted: PeerAddress, in records: [PeerBook.Record]) -> UInt16? {
        var place = self.home(of: wanted)
        while self.places[place] != Self.nobody {
            if records[Int(self.places[place])].address == wanted { return self.places[place] }
            place = (place + 1) & (self.places.count - 1)
        }
        return nil
    }

    /// The address must not be there.
    mutating func insert(_ number: UInt16, in records: [PeerBook.Record]) {
        if 2 * (self.count + 1) > self.places.count { self.grow(records) }
        self.put(number, at: records[Int(number)].address)
        self.count += 1
    }

    /// Moves those behind it back, so that no search ends too early.
    mutating func remove(_ number: UInt16, in records: [PeerBook.Record]) {
        let mask = self.places.count - 1
        var place = self.home(of: records[Int(number)].address)
        while self.places[place] != number {
            guard self.places[place] != Self.nobody else { return }
            place = (place + 1) & mask
        }
        var next = (place + 1) & mask
        while self.places[next] != Self.nobody {
            let home = self.home(of: records[Int(self.places[next])].address)
            // It may move when its home does not lie between the hole and itself.
            if (next - home) & mask >= (next - place) & mask {
                self.places[place] = self.places[next]
                place = next
            }
            next = (next + 1) & mask
        }
        self.places[place] = Self.nobody
        self.count -= 1
    }

    private mutating func grow(_ records: [PeerBook.Record]) {
        let old = self.places
        self.places = [UInt16](repeating: Self.nobody, count: 2 * old.count)
        for number in old where number != Self.nobody { self.put(number, at: records[Int(number)].address) }
    }

    private mutating func put(_ number: UInt16, at address: PeerAddress) {
        var place = self.home(of: address)
        while self.places[place] != Self.nobody { place = (place + 1) & (self.places.count - 1) }
        self.places[place] = number
    }

    private func home(of address: PeerAddress) -> Int {
        var value = address.high &* 0x9E37_79B9_7F4A_7C15 ^ address.low &+ UInt64(address.port) << 40
        value = (value ^ value >> 32) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: value >> 32) & (self.places.count - 1)
    }
}
