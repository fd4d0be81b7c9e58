import SwarmTypes

/// A torrent's weight in `weighted` and `soft`: its peers count for 0.6, its rate for 0.4; full at 20 peers
/// and 1 MiB/s.
func weight(peers: Int64, rate: Int64) -> Double {
    0.6 * min(Double(max(0, peers)) / 20, 1) + 0.4 * min(Double(max(0, rate)) / 1_048_576, 1)
}

/// Divides `capacity` in proportion to the weights, each part at least 10 KiB/s and at most 60 % of the whole.
///
/// The floor gives way to an equal part where it would break the capacity. The parts never add up to more than
/// the capacity; each is at least 1 as long as there are no more parts than bytes.
func weightedSplit(_ weights: [Double], of capacity: Int64) -> [Int64] {
    let count = weights.count
    guard count > 1 else { return weights.map { _ in capacity } }

    let equalPart = capacity / Int64(count)
    let whole = Double(capacity)
    let floor = min(10_240, whole / Double(count))
    let ceiling = 0.6 * whole
    let totalWeight = weights.reduce(0, +)
    var parts = weights.map { weight in
        max(floor, min(totalWeight > 0 ? whole * weight / totalWeight : whole / Double(count), ceiling))
    }
    level(&parts, to: whole, floor: floor, ceiling: ceiling)

    let (smallest, largest) = (min(10_240, equalPart), Int64(ceiling))
    var rounded = parts.map { min(max(nearestInteger($0), smallest), largest) }
    settle(&rounded, to: capacity, smallest: smallest, largest: nearestInteger(ceiling))
    return rounded
}

/// Spreads what is missing to `whole` over the room below the ceiling, or takes what is too much from what lies
/// above the floor, in proportion and once.
private func level(_ parts: inout [Double], to whole: Double, floor: Double, ceiling: Double) {
    let total = parts.reduce(0, +)
    if total < whole {
        let room = parts.reduce(0) { $0 + (ceiling - $1) }
        guard room > 0 else { return }
        for index in parts.indices {
            parts[index] = min(ceiling, parts[index] + (whole - total) * (ceiling - parts[index]) / room)
        }
    } else if total > whole {
        let room = parts.reduce(0) { $0 + max(0, $1 - floor) }
        guard room > 0 else { return }
        for index in parts.indices {
            parts[index] = max(floor, parts[index] - (total - whole) * max(0, parts[index] - floor) / room)
        }
    }
}

/// Makes up for rounding: what is missing goes to those with the most room, what is too much comes from the
/// largest. Ties go by position.
private func settle(_ parts: inout [Int64], to capacity: Int64, smallest: Int64, largest: Int64) {
    var missing = capacity - parts.reduce(0, +)
    guard missing != 0 else { return }

    let values = parts
    let byValue = values.indices.sorted {
        if values[$0] == values[$1] { return $0 < $1 }
        return missing > 0 ? values[$0] < values[$1] : values[$0] > values[$1]
    }
    for index in byValue where missing != 0 {
        let step =
            missing > 0
            ? min(missing, max(0, largest - parts[index])) : max(missing, min(0, smallest - parts[index]))
        parts[index] += step
        missing -= step
    }
}
