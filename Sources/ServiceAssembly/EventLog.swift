import LimitPlanning
import LogOutput
import SwarmTypes
import UploadGovernor

/// What the governor does, in the log. A cycle that changed nothing is worth a line only for who debugs.
func log(_ event: GovernorEvent, to logger: Logger) {
    switch event {
    case .cycleEnded(let report): log(report, to: logger)
    case .instanceLost(let name, let problem):
        logger.warning(
            "an instance cannot be read; its torrents count as they were",
            [
                "instance": .text(name), "problem": .text(problem.message),
            ])
    case .instanceBack(let name): logger.info("an instance can be read again", ["instance": .text(name)])
    case .instanceRestarted(let name):
        logger.warning("qBittorrent was restarted; all limits are read again", ["instance": .text(name)])
    case .drift(let instance, let torrent, let cause, let expected, let found):
        logger.warning(
            "a limit is not what Weir had set",
            [
                "instance": .text(instance), "torrent": .text(torrent.hex), "cause": .text(cause.rawValue),
                "expected": .text(text(expected)),
                "found": .text(text(found)),
            ])
    case .contested(let instance, let torrents, let isAll):
        logger.warning(
            isAll
                ? "another program sets the limits of this instance again and again; Weir leaves it alone until that ends"
                : "another program sets these limits again and again; Weir leaves them alone until that ends",
            ["instance": .text(instance), "torrents": "\(torrents)"])
    case .contestOver(let instance, let torrents):
        logger.info(
            "no other program has set limits for a while; Weir goes on",
            ["instance": .text(instance), "torrents": "\(torrents)"])
    case .takenOver(let instance, let torrents):
        logger.warning(
            "another program has set the limits of most torrents; Weir respects them",
            ["instance": .text(instance), "torrents": "\(torrents)"])
    case .settled(let intents, let confirmed):
        logger.info(
            "settled what an earlier run had left open",
            [
                "intents": "\(intents)", "carried_out": "\(confirmed)",
            ])
    case .trackerChoiceFailed(let instance, let torrent, let problem):
        logger.debug(
            "a torrent's trackers cannot be read; it stays where it was",
            [
                "instance": .text(instance), "torrent": .text(torrent.hex), "problem": .text(problem.message),
            ])
    case .malformedTorrents(let instance, let count):
        logger.warning(
            "torrents that cannot be understood were left out",
            [
                "instance": .text(instance), "torrents": "\(count)",
            ])
    case .applyFailed(let instance, let torrents, let limit, let problem):
        logger.warning(
            "limits could not be set",
            [
                "instance": .text(instance), "torrents": "\(torrents)", "limit": .text(text(limit)),
                "problem": .text(problem.message),
            ])
    case .headroom(let tracker, let thousandths):
        logger.debug(
            "kept free below the cap, for limits that are overshot",
            ["tracker": .text(tracker), "thousandths": LogValue(thousandths)])
    case .journalFailed(let problem):
        logger.error(
            "the journal failed; nothing is sent that it did not take", ["problem": .text(problem.message)])
    }
}

private func log(_ report: CycleReport, to logger: Logger) {
    let fields: KeyValuePairs<String, LogValue> = [
        "outcome": .text(report.outcome.name), "scope": report.scope == .full ? "full" : "urgent",
        "changes": "\(report.plan?.changes.count ?? 0)", "calls": "\(report.plan?.calls.count ?? 0)",
        "requests": "\(report.requests)", "seconds": "\((report.durationSeconds * 1000).rounded() / 1000)",
    ]
    switch report.outcome {
    case .applied, .simulated: logger.info("cycle", fields)
    case .drifted, .undetermined: logger.warning("cycle", fields)
    // The reasons were logged when they arose.
    case .unchanged, .paused, .skipped, .refused: logger.debug("cycle", fields)
    }
}

private func text(_ limit: UploadLimit) -> String {
    limit.rate.map { "\($0.bytesPerSecond) B/s" } ?? "unlimited"
}
