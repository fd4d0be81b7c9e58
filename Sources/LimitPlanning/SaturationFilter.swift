/// What a client reports for a torrent that fills its limits, as the limits change.
///
/// libtorrent keeps a rate as `rate * 4/5 + sample/5` once a second, and a client shows a snapshot up to 1.5 s
/// old; so a reading follows a changed limit as a low pass, 1.5 s late. An unlimited torrent counts with zero.
struct SaturationFilter {
    /// What remains of a difference after the late part and after the rest of the interval.
    private let late: Double
    private let rest: Double

    init(seconds: Double) {
        let delay = min(max(0, seconds), 1.5)
        self.late = remainder(afterSeconds: delay)
        self.rest = remainder(afterSeconds: max(0, seconds) - delay)
    }

    /// - Parameter limitBefore: in force until this interval began, in bytes per second.
    func advance(_ saturation: Double, limitBefore: Double, limit: Double) -> Double {
        let delayed = limitBefore + (saturation - limitBefore) * self.late
        return limit + (delayed - limit) * self.rest
    }
}

/// 0.8 to the power of `seconds`: whole seconds by squaring, the fraction by the exponential series.
func remainder(afterSeconds seconds: Double) -> Double {
    guard seconds < 3_000 else { return 0 }
    let whole = Int(seconds)
    var (result, factor, exponent) = (1.0, 0.8, whole)
    while exponent > 0 {
        if exponent & 1 == 1 { result *= factor }
        factor *= factor
        exponent >>= 1
    }

    let naturalLogarithm = -0.223_143_551_314_209_76
    let power = (seconds - Double(whole)) * naturalLogarithm
    // |power| < 0.23: the twelfth term is below 1e-16.
    var (term, sum) = (1.0, 1.0)
    for step in 1...12 {
        term *= power / Double(step)
        sum += term
    }
    return result * sum
}
