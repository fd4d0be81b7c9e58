import SwarmTypes

/// Which changes of a limit are worth a request (the documented thresholds). It says nothing about the cap: a
/// change that the cap needs is made all the same.
struct DifferentialGate {
    /// The relative change above 1 MiB/s, in thousandths.
    var thresholdThousandths: Int

    func isWorthwhile(from current: UploadLimit, to new: UploadLimit) -> Bool {
        self.isWorthwhile(from: current.bounded, to: new.bounded)
    }

    func isWorthwhile(from current: Int64, to new: Int64) -> Bool {
        guard current != RateBounds.unlimited, new != RateBounds.unlimited else { return current != new }
        let difference = abs(new - current)
        switch max(current, new) {
        case ..<51_200:
            return difference > 10_240
        case ..<1_048_576:
            return difference > 51_200 || 10 * difference > 3 * current
        default:
            let (change, thousandths) = (
                1000 * difference, Int64(min(max(0, self.thresholdThousandths), 1_000_000))
            )
            return difference > 102_400 && change > thousandths * current
        }
    }
}
