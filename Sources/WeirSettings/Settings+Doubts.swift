import ConfigFile

extension Settings {
    /// Warns of what is allowed and yet probably not meant.
    func reportDoubts(_ reading: inout ConfigReading) {
        let host = bareHost(self.global.host)
        let isLocal = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        if !isLocal, self.global.apiKey == nil {
            reading.report(
                ConfigProblem(
                    .doubtful, .warning, at: reading.place(of: "global.host", else: .start),
                    key: "global.host",
                    "Weir can be reached from other machines and has no api_key: it refuses every change from there",
                    remedy: "set WEIR_GLOBAL_API_KEY, or listen on 127.0.0.1"))
        }
        if self.instances.isEmpty, !self.runsEngine {
            reading.report(
                ConfigProblem(
                    .missing, at: reading.place(of: "engine.enabled", else: .start), key: "qbittorrent",
                    "no qBittorrent is governed, and Weir's own engine is off",
                    remedy: "add a section qbittorrent, or set engine.enabled to true"))
        }
        if self.crossSeed.isEnabled, self.crossSeed.url == nil {
            reading.report(
                ConfigProblem(
                    .doubtful, .warning, at: reading.place(of: "cross_seed.enabled", else: .start),
                    key: "cross_seed.url", "cross_seed is enabled and has no url: nothing is forwarded"))
        }
        for (index, instance) in self.instances.enumerated() where !instance.tls.verifies {
            let path = self.instances.count == 1 ? "qbittorrent" : "qbittorrent[\(index)]"
            reading.report(
                ConfigProblem(
                    .doubtful, .warning, at: reading.place(of: "\(path).tls.verify", else: .start),
                    key: "\(path).tls.verify",
                    "any certificate is taken: anybody on the way can read the password",
                    remedy: "give the certificate as ca_file"))
        }
    }
}
