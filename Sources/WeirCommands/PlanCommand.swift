import CommandLineParsing
import JSONValues
import ServiceAssembly
import WeirSettings

let planCommand = Command(
    spec: CommandSpec(
        "plan", "Show what would change, and why; nothing is sent",
        details: [
            "Asks the running Weir, or reads qBittorrent itself where none runs. With --snapshot it plans from a saved observation, without any network."
        ],
        options: [
            CommonOption.config, CommonOption.json,
            .value("snapshot", nil, "FILE", "Plan from a saved observation (JSON)", completion: .files),
        ])
) { invocation throws(ServiceFailure) in
    let settings = try invocation.load().settings
    let listing: PlanListing
    if let path = invocation.parsed.value("snapshot") {
        do throws(SnapshotFailure) {
            listing = try planSnapshot(path, settings)
        } catch {
            invocation.output.say("weir plan: \(path): \(error.message)")
            return .badInput
        }
    } else {
        listing = try livePlan(settings)
    }
    if invocation.wantsJSON {
        invocation.output.printJSON { listing.write(to: &$0) }
    } else {
        listing.print(to: invocation.output)
        // Else a first plan of nothing looks like a mistake.
        if listing.rolloutPercentage < 100 {
            invocation.output.say(
                "Of all torrents \(listing.rolloutPercentage) % are governed (rollout_percentage); the others keep their limits."
            )
        }
    }
    return .done
}

private func livePlan(_ settings: Settings) throws(ServiceFailure) -> PlanListing {
    let outcome = try OneShot.run(settings) { shot -> Result<PlanListing, ServiceFailure> in
        switch await shot.daemon("GET", "/preview/next-cycle") {
        case .success(let answer):
            let health = try? await shot.daemon("GET", "/health")?.get()
            return Result { () throws(ServiceFailure) in
                var listing = try PlanListing(preview: try decoded(answer))
                let running = try health.map { answer throws(ServiceFailure) in try decoded(answer) }
                listing.rolloutPercentage = Int(clamping: running?["rollout_percentage"]?.integer ?? 100)
                return listing
            }
        case .failure(let failure): return .failure(failure)
        case nil: return await shot.plan().map { PlanListing($0, settings) }
        }
    }
    return try outcome.get()
}
