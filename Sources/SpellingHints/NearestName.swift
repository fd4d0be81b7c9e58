/// The name out of `names` that a mistyped `word` most likely stands for, or nil when none is near.
///
/// Near means: at most one edit for every three letters of the longer name (at least one), where an edit is a
/// letter added, dropped or changed, or two neighbours swapped. Letter case, `-` and `_` make no difference.
/// Words above 64 letters have no nearest name. Ties go to the name listed first.
public func nearestName(to word: String, among names: some Sequence<String>) -> String? {
    let typed = foldedLetters(word)
    guard !typed.isEmpty, typed.count <= maximumLength else { return nil }
    var best: (name: String, distance: Int)?
    for name in names {
        let letters = foldedLetters(name)
        let allowed = max(1, max(letters.count, typed.count) / 3)
        guard letters.count <= maximumLength, abs(letters.count - typed.count) <= allowed else { continue }
        let distance = editDistance(typed, letters)
        if distance <= allowed, distance < best?.distance ?? Int.max { best = (name, distance) }
    }
    return best?.name
}

private let maximumLength = 64

private func foldedLetters(_ word: String) -> [UInt8] {
    word.utf8.map { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 32
        case UInt8(ascii: "-"): UInt8(ascii: "_")
        default: byte
        }
    }
}

/// Optimal string alignment distance: three rows of the table are enough.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(
                previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
