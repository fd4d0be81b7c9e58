/// Hours of a day, on some days of the week.
public struct DailyHours: Hashable, Sendable {
    /// Minutes since midnight; to is exclusive. When `from` is later than `to` they go over midnight, and when both are
    /// equal they are the whole day.
    public var from: Int
    public var to: Int
    /// On which they begin; 0 is Monday.
    public var days: Set<Int>

    public init(from: Int, to: Int, days: Set<Int>) {
        self.from = from
        self.to = to
        self.days = days
    }

    /// - Parameters:
    ///   - minute: since midnight
    ///   - day: 0 is Monday
    public func contains(minute: Int, day: Int) -> Bool {
        let yesterday = (day + 6) % 7
        if self.from < self.to { return self.days.contains(day) && minute >= self.from && minute < self.to }
        return self.days.contains(day) && minute >= self.from
            || self.days.contains(yesterday) && minute < self.to
    }
}
