public import SwarmTypes
import TorrentCatalog
public import TorrentEngine

/// Caps of trackers.
extension TorrentLibrary {
    /// Distinct URLs whose cap is remembered; a tracker that gives each torrent an URL of its own has as many as torrents.
    private static let mostNames = 4096

    /// Puts these caps in force, and each torrent below the one that `rule` names for its trackers' URLs. Called again
    /// whenever the configuration changes.
    /// - Parameters:
    ///   - caps: by the names that `rule` answers.
    ///   - limits: where they are not the caps' own, because others use of them too.
    public func useCaps(
        _ caps: [TrackerCap], inForce limits: [String: UploadLimit] = [:],
        rule: @escaping @Sendable (String) -> String?
    ) {
        let gone = Set(self.caps.map(\.name)).subtracting(caps.map(\.name))
        self.caps = caps
        self.capRule = rule
        self.capNames = [:]
        self.ask { engine in
            engine.removeCaps(Array(gone))
            engine.setCaps(caps.map { $0.limited(to: limits[$0.name]) })
        }
        self.chooseCaps()
    }

    /// Changes what the engine may use of caps, without a change of the caps themselves.
    public func setCapLimits(_ limits: [String: UploadLimit]) {
        let caps = self.caps.filter { limits[$0.name] != nil }.map { $0.limited(to: limits[$0.name]) }
        self.ask { $0.setCaps(caps) }
    }

    /// What each cap is used for in the engine.
    public var capUsages: [CapUsage] { self.ask { $0.capUsages } }

    func chooseCaps() {
        for id in self.torrents.keys { self.chooseCap(of: id) }
    }

    /// Where all announce URLs match one tracker it is that one, else the first URL's until a tracker has answered, and then
    /// the one that did: the governor's rule.
    func chooseCap(of id: TorrentID) {
        guard let rule = self.capRule, let line = self.line(of: id) else { return }
        let first = self.capName(for: line.trackers.first ?? "", rule)
        var name = first
        if line.trackers.contains(where: { self.capName(for: $0, rule) != first }),
            let url = self.ask({ $0.answeringTracker(of: id) })
        {
            name = self.capName(for: url, rule)
        }
        guard name != line.capName else { return }
        if let old = line.capName { self.capCounts[old, default: 1] -= 1 }
        if let name { self.capCounts[name, default: 0] += 1 }
        self.lines[id, default: line].capName = name
        self.touched.insert(id)
        let isRunning = self.torrents[id]?.phase == .running
        if isRunning { self.ask { _ = $0.setCap(name, of: id) } }
    }

    private func capName(for url: String, _ rule: @Sendable (String) -> String?) -> String? {
        if let known = self.capNames[url] { return known }
        let name = rule(url)
        if self.capNames.count < Self.mostNames { self.capNames[url] = .some(name) }
        return name
    }

    /// For the mirror: each cap with what the engine uses of it now.
    var capLines: [CapLine] {
        var limits: [String: UploadLimit] = [:]
        for cap in self.caps { limits[cap.name] = cap.upload }
        var active: [String: Int] = [:]
        for id in self.moving {
            guard let line = self.line(of: id), line.upRate > .zero, let name = line.capName else { continue }
            active[name, default: 0] += 1
        }
        let usages = self.ask { $0.capUsages }
        return usages.compactMap { usage in
            limits[usage.cap.name].map { limit in
                CapLine(
                    name: usage.cap.name, limit: limit, effective: usage.cap.upload, rate: usage.uploadRate,
                    torrents: self.capCounts[usage.cap.name] ?? 0, active: active[usage.cap.name] ?? 0)
            }
        }
    }
}

extension TrackerCap {
    fileprivate func limited(to limit: UploadLimit?) -> TrackerCap {
        var cap = self
        if let limit { cap.upload = limit }
        return cap
    }
}
