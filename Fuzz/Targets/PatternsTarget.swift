import PatternMatching

/// No pattern and no URL make the matcher trap or search for long, a pattern that is refused is refused at a
/// place inside it, and what `match` decides is what `explain` tells.
///
/// The first line is the URL, the following ones are the patterns.
let patternsTarget = FuzzTarget(name: "patterns") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let url = String(decoding: reader.line() ?? [], as: UTF8.self)
    var patterns: [(id: String, pattern: String)] = []
    while patterns.count < 4, let line = reader.line() {
        patterns.append((id: "\(patterns.count)", pattern: String(decoding: line, as: UTF8.self)))
    }
    let matcher: TrackerMatcher
    do throws(PatternFailure) {
        matcher = try TrackerMatcher(patterns: patterns)
    } catch {
        try require(
            0...error.pattern.utf8.count ~= error.offset && !error.message.isEmpty,
            "refused at byte \(error.offset) of \(error.pattern)")
        return
    }
    let outcome = matcher.match(url)
    let results = matcher.explain(url).map(\.result)
    try require(results.count == patterns.count, "\(results.count) explanations")
    let isCatchAll = patterns.map { TrackerMatcher.isCatchAll($0.pattern) }
    let first = results.indices.first { results[$0] == .matches && !isCatchAll[$0] }
    try require(
        outcome.index == first ?? isCatchAll.firstIndex(of: true), "\(outcome) is explained by \(results)")
    let exceeded = results.indices.filter { results[$0] == .limitExceeded && $0 < first ?? .max }
    try require(outcome.exceededLimits == exceeded, "\(outcome) is explained by \(results)")
}
