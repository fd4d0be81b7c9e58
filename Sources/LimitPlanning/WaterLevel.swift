/// The largest level L with `sum(min(want, L)) <= capacity`, or nil when every want fits.
///
/// `count` further wants of `each` are taken as a group, because most torrents are idle and want the same.
/// Wants and capacity are at most four times `RateBounds.rate`.
func waterLevel(_ wants: [Int64], and count: Int = 0, of each: Int64 = 0, within capacity: Int64) -> Int64? {
    var total = each * Int64(count)
    for want in wants where total <= capacity { total += want }
    guard total > capacity else { return nil }

    var left = capacity
    var remaining = Int64(wants.count + count)
    var isGroupOpen = count > 0
    func takeGroup() {
        left -= each * Int64(count)
        remaining -= Int64(count)
        isGroupOpen = false
    }
    for want in wants.sorted() {
        if isGroupOpen, each <= want {
            if each > left / remaining { return left / remaining }
            takeGroup()
        }
        if want > left / remaining { return left / remaining }
        left -= want
        remaining -= 1
    }
    return remaining > 0 ? left / remaining : 0
}
