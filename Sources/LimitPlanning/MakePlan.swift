public import SwarmTypes

/// What a cycle should do now.
///
/// For every strategy and whatever the readings: after each call, in order, the limits in force of a capped
/// tracker, over all its torrents that can upload, add up to at most its effective cap (times the
/// oversubscription with `adaptive`), or to at most what they were before; no limit is below 1 B/s; a plan that
/// has been carried out, planned again on the same readings, is empty; the order of the input does not matter.
/// This holds as long as a cap has at least 1 B/s for each of its torrents.
///
/// - Parameters:
///   - state: taken from the last plan; holds no more than the torrents of this input.
///   - now: on the clock of the earlier plans. A plan at the very instant of the last one knows of no new reading.
public func makePlan(
    _ input: PlanningInput, settings: PlanningSettings, state: inout PlanningState, scope: PlanningScope,
    at now: Instant
) -> Plan {
    let table = TorrentTable(input)
    let proposal: Proposal
    switch settings.strategy {
    case .adaptive:
        let planning = AdaptivePlanning(table, input.trackers, settings, since: state.plannedAt, at: now)
        proposal = planning.propose(&state)
    case .equal, .weighted, .soft:
        state.forgetAdaptive()
        let planning = SharePlanning(table: table, trackers: input.trackers, settings: settings, scope: scope)
        proposal = planning.propose(&state, at: now)
    }
    return proposal.plan(settings.strategy, input.trackers, table)
}

/// What stays behind when the governor stops: an equal part of its tracker's cap for every torrent, so that no
/// cap is exceeded and no torrent is left strangled. Torrents of trackers without a cap get their originals back.
public func relaxPlan(_ input: PlanningInput) -> Plan {
    let table = TorrentTable(input)
    var proposal = Proposal(table, input.trackers)
    for (index, span) in table.spans.enumerated() {
        guard let cap = input.trackers[index].cap.rate?.bounded else {
            proposal.restoreOriginals(in: span, of: table, .uncapped)
            continue
        }
        let (capacity, count) = table.available(of: cap, in: span)
        let part = min(capacity / Int64(max(1, count)), RateBounds.plannable)
        for position in span where table.isGoverned[position] && table.limits[position] != part {
            proposal.change(position, to: part, .relax)
        }
    }
    return proposal.plan(.equal, input.trackers, table)
}

/// Gives every governed torrent whose original limit is known that limit back, whatever the caps.
public func restorePlan(_ input: PlanningInput, reason: ChangeReason) -> Plan {
    let table = TorrentTable(input)
    var proposal = Proposal(table, input.trackers)
    for span in table.spans { proposal.restoreOriginals(in: span, of: table, reason) }
    return proposal.plan(.equal, input.trackers, table)
}
