import CommandLineParsing
import ConfigFile
import EventIO
import Glibc
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentEngine
import TrackerClient
import TrackerProtocol

/// The command line of `get` and `seed`, as values.
struct TransferLine {
    let invocation: Invocation

    init(_ invocation: Invocation) { self.invocation = invocation }

    func argument() throws(ServiceFailure) -> String {
        guard let argument = self.invocation.parsed.arguments.first else {
            throw .usage("no torrent was named")
        }
        return argument
    }

    func output(_ purpose: TransferOutput.Purpose) -> TransferOutput {
        TransferOutput(
            purpose: purpose, output: self.invocation.output, isJSON: self.invocation.wantsJSON,
            isVerbose: self.invocation.parsed.has("verbose"))
    }

    var controlFolders: [String] { ServiceAssembly.controlFolders(self.invocation.environment) }

    func source(of text: String) throws(ServiceFailure) -> TorrentSource {
        if text.lowercased().hasPrefix("magnet:") {
            do throws(MagnetFailure) {
                return .magnet(try MagnetLink(text))
            } catch {
                throw .badInput("\(mention(text)): \(error)")
            }
        }
        if ["http://", "https://"].contains(where: text.lowercased().hasPrefix) {
            return try self.fetched(text)
        }
        let bytes: [UInt8]
        do throws(FileReadFailure) {
            bytes = try readFile(text, limit: 64 << 20)
        } catch {
            throw .badInput("\(plain(text)): \(error)")
        }
        return try self.parsed(bytes, from: text)
    }

    private func parsed(_ bytes: [UInt8], from name: String) throws(ServiceFailure) -> TorrentSource {
        do throws(MetainfoFailure) {
            return .metainfo(try Metainfo(torrentFile: bytes, hashing: .openSSL))
        } catch {
            throw .badInput("\(plain(name)): \(error)")
        }
    }

    /// What lies at a web address. Messages leave out what may hold a passkey.
    private func fetched(_ text: String) throws(ServiceFailure) -> TorrentSource {
        let url: TrackerURL
        do throws(TrackerURL.Problem) { url = try TrackerURL(text) } catch {
            throw .badInput("this is no web address that can be asked: \(error)")
        }
        let loop: EventLoop
        do throws(SystemCallFailure) { loop = try EventLoop(name: "download") } catch {
            throw .system(error.description)
        }
        let found: TorrentDownload.Found
        do throws(TorrentDownloadFailure) {
            found = try TorrentDownload(userAgent: "Weir/\(weirVersion)").run(url, on: loop)
        } catch {
            let message = "\(plain(url.masked)): \(plain(error.description))"
            switch error {
            case .unreachable, .status(500...), .status(429): throw .unreachable(message)
            case .status, .notAllowed, .tooLong, .damaged: throw .badInput(message)
            }
        }
        switch found {
        case .magnet(let link): return try self.source(of: link)
        case .file(let bytes):
            guard bytes.first == UInt8(ascii: "d") else {
                throw .badInput(
                    "\(plain(url.masked)): what it answers with is no .torrent file; is a login needed?")
            }
            return try self.parsed(bytes, from: url.masked)
        }
    }

    func settings() throws(ServiceFailure) -> EngineSettings {
        var settings = EngineSettings()
        let port = try self.port()
        settings.listenAddresses = [
            PeerAddress(ipv4: 0, port: port), PeerAddress(high: 0, low: 0, port: port),
        ]
        settings.uploadLimit = try self.rate("up")
        settings.downloadLimit = try self.rate("down")
        switch self.invocation.parsed.value("port-mapping") ?? "on" {
        case "on": settings.mapsPort = true
        case "off": settings.mapsPort = false
        case let word: throw .usage("--port-mapping is on or off, not \(plain(word))")
        }
        settings.clientText = "Weir \(weirVersion)"
        settings.userAgent = "Weir/\(weirVersion)"
        if let text = self.invocation.parsed.value("encryption") {
            guard let policy = EncryptionPolicy(rawValue: text) else {
                throw .usage("--encryption is allow, prefer, require or off, not \(plain(text))")
            }
            settings.encryption = policy
        }
        return settings
    }

    func port() throws(ServiceFailure) -> UInt16 { UInt16(try self.number("port", in: 0...65535) ?? 0) }

    func options() throws(ServiceFailure) -> AddOptions {
        var options = AddOptions(directory: self.invocation.parsed.value("dir") ?? ".")
        for text in self.invocation.parsed.values("peer") {
            if let address = PeerAddress(text), address.isUsable {
                options.peers.append(address)
            } else if let peer = namedPeer(text) {
                options.namedPeers.append(peer)
            } else {
                throw .usage("--peer is a host and a port, as 192.0.2.1:6881, not \(plain(text))")
            }
        }
        return options
    }

    func files(_ option: String) throws(ServiceFailure) -> [ClosedRange<Int>]? {
        guard let text = self.invocation.parsed.value(option) else { return nil }
        var ranges: [ClosedRange<Int>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap({ Int($0) }), let last = ends.last.flatMap({ Int($0) }),
                first >= 0, first <= last, last < MetainfoLimits.standard.fileCount
            else { throw .usage("--\(option) is a list of file numbers, as 0,3-5, not \(plain(text))") }
            ranges.append(first...last)
        }
        return ranges
    }

    func ratio() throws(ServiceFailure) -> Double? {
        guard let text = self.invocation.parsed.value("seed-ratio") else { return nil }
        guard let ratio = Double(text), ratio >= 0, ratio.isFinite else {
            throw .usage("--seed-ratio is a number such as 1.5, not \(plain(text))")
        }
        return ratio
    }

    private func number(_ option: String, in range: ClosedRange<Int>) throws(ServiceFailure) -> Int? {
        guard let text = self.invocation.parsed.value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .usage(
                "--\(option) is a number from \(range.lowerBound) to \(range.upperBound), not \(plain(text))")
        }
        return number
    }

    /// A rate in bytes a second, with K, M or G for powers of 1024; 0 is unlimited.
    private func rate(_ option: String) throws(ServiceFailure) -> UploadLimit {
        guard let text = self.invocation.parsed.value(option) else { return .unlimited }
        guard let rate = bytesPerSecond(text) else {
            throw .usage("--\(option) is a rate such as 500K or 2.5M bytes a second, not \(plain(text))")
        }
        return rate == 0 ? .unlimited : .bytesPerSecond(rate)
    }
}

/// A host's name and a port; nil for anything else.
private func namedPeer(_ text: String) -> MagnetPeer? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let port = UInt16(parts[1]), port != 0,
        PeerAddress(host: String(parts[0]), port: port) == nil,
        let last = parts[0].split(separator: ".").last, !last.allSatisfy(\.isNumber),
        parts[0].utf8.count <= 253,
        parts[0].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) })
    else { return nil }
    return MagnetPeer(host: String(parts[0]), port: port)
}

/// Nil for anything else than digits, perhaps a fraction, and perhaps K, M or G.
func bytesPerSecond(_ text: String) -> Int64? {
    let units: [Character: Double] = ["K": 1024, "M": 1_048_576, "G": 1_073_741_824]
    let unit = text.last.flatMap { units[Character($0.uppercased())] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.first?.isNumber == true, digits.allSatisfy({ $0.isNumber || $0 == "." }),
        let value = Double(digits)
    else { return nil }
    let bytes = value * (unit ?? 1)
    return bytes < 1e15 ? Int64(bytes) : nil
}
