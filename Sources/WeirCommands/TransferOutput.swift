import Glibc
import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentEngine

/// What `get` and `seed` show: a line that is written over on a terminal, one line
/// every half minute elsewhere, or JSON objects.
///
/// On the loop only, which is the proof of the unchecked promise.
final class TransferOutput: @unchecked Sendable {
    enum Purpose { case get, seed }

    /// Between two lines where nothing can be written over, and between two blocks of `--verbose`.
    private static let lineSeconds = 30.0

    private let purpose: Purpose
    private let output: Output
    private let isJSON: Bool
    private let isVerbose: Bool
    private let isTerminal: Bool
    private var linesShown = 0
    private var isReady = false
    private var reportCount = 0

    init(purpose: Purpose, output: Output, isJSON: Bool, isVerbose: Bool) {
        self.purpose = purpose
        self.output = output
        self.isJSON = isJSON
        self.isVerbose = isVerbose
        self.isTerminal = isatty(2) == 1
    }

    /// Between two reports.
    var intervalSeconds: Double { self.isTerminal && !self.isJSON ? 0.5 : 1 }

    /// Whether anybody sees the progress with the next `report`.
    var wantsProgress: Bool { self.isJSON || self.isTerminal || self.isLineDue(self.reportCount + 1) }
    var wantsEnds: Bool { self.isJSON }

    /// Whether the next `report` needs snapshots: they cost more than the progress, and are for whoever sees them.
    var wantsDiagnosis: Bool {
        self.isBlockDue(self.reportCount + 1) || self.purpose == .get && self.wantsProgress
    }

    /// Whether all that is known is said with the report of this number.
    private func isBlockDue(_ number: Int) -> Bool {
        self.isVerbose && self.isTimeForLine(number)
    }

    /// Whether a log gets to know how far `get` is; the blocks say it too.
    private func isLineDue(_ number: Int) -> Bool {
        self.purpose == .get && !self.isTerminal && !self.isVerbose && self.isTimeForLine(number)
    }

    private func isTimeForLine(_ number: Int) -> Bool {
        number % Int(Self.lineSeconds / self.intervalSeconds) == 0
    }

    func say(_ text: String) {
        self.clear()
        self.output.say(text)
    }

    func failed(_ id: TorrentID, _ words: String) { self.tell("failed", id, words, "") }

    private func tell(_ event: String, _ id: TorrentID, _ words: String, _ introduction: String) {
        if self.isJSON {
            self.output.printJSON { json in
                json.member("event", event)
                json.member("id", id.hex)
                json.member("reason", words)
            }
        } else {
            self.say("\(id.hex.prefix(8)): \(introduction)\(plain(words))")
        }
    }

    func happened(_ event: EngineEvent, _ progress: (TorrentID) -> TorrentProgress?) {
        switch event {
        case .metadata(let id):
            if let torrent = progress(id) { self.tell("metadata", torrent) }
        case .finished(let id):
            if self.purpose == .get, let torrent = progress(id) { self.tell("finished", torrent) }
        case .interrupted(let id, let words):
            self.tell("interrupted", id, words, "interrupted, and goes on when that is over: ")
        case .damaged(let id, let words): self.tell("damaged", id, words, "a piece is not what it was: ")
        case .recordFailed(let words): self.say(plain(words))
        case .running, .failed, .announced: break
        }
    }

    /// All torrents are there.
    func ready() {
        guard self.purpose == .seed, !self.isReady else { return }
        self.isReady = true
        if self.isJSON {
            self.output.printJSON { $0.member("event", "ready") }
        } else {
            self.clear()
            self.output.print("READY")
        }
    }

    func ended(_ progress: [TorrentProgress]) {
        if self.isJSON { for torrent in progress { self.tell("ended", torrent) } }
    }

    private func tell(_ event: String, _ torrent: TorrentProgress) {
        guard self.isJSON else {
            self.say("\(event): \(plain(torrent.name)) (\(sizeText(torrent.totalBytes)))")
            return
        }
        self.output.printJSON { json in
            json.member("event", event)
            Self.write(torrent, to: &json)
        }
    }

    private static func write(_ torrent: TorrentProgress, to json: inout JSONWriter) {
        json.member("id", torrent.id.hex)
        json.member("name", torrent.name)
        json.member("state", torrent.state)
        json.member("size", torrent.totalBytes)
        json.member("wanted", torrent.wantedBytes)
        json.member("done", torrent.doneBytes)
        json.member("pieces", torrent.pieceCount)
        json.member("pieces_had", torrent.piecesHad)
        json.member("down_rate", torrent.downRate.bytesPerSecond)
        json.member("up_rate", torrent.upRate.bytesPerSecond)
        json.member("downloaded", torrent.downloaded)
        json.member("uploaded", torrent.uploaded)
        json.member("total_downloaded", torrent.totalDownloaded)
        json.member("total_uploaded", torrent.totalUploaded)
        json.member("peers", torrent.peers)
        json.member("seeds", torrent.seeds)
        if let cap = torrent.cap { json.member("cap", cap) }
    }

    /// - Parameter sleeping: complete torrents that nobody asks for; of them nothing changes.
    func report(
        _ progress: [TorrentProgress], _ snapshots: [TorrentSnapshot], _ caps: [CapUsage], sleeping: Int = 0
    ) {
        self.reportCount += 1
        let reports = snapshots.map { DiagnosisReport($0) }
        if self.isBlockDue(self.reportCount) {
            for report in reports { self.say(report.logBlock().joined(separator: "\n")) }
        }
        if self.isJSON {
            for torrent in progress {
                let verdict = reports.first { $0.torrent.id == torrent.id }?.verdict
                self.output.printJSON { json in
                    json.member("event", "progress")
                    Self.write(torrent, to: &json)
                    if let verdict {
                        json.member("verdict", verdict.code.code)
                        json.member("verdict_text", verdict.headline)
                    }
                }
            }
            if !caps.isEmpty { self.tell(caps) }
        } else if self.isTerminal {
            self.draw(progress, reports, caps, sleeping)
        } else if self.isLineDue(self.reportCount) {
            for torrent in progress { self.say(Self.lines(of: torrent, reports).joined(separator: "\n")) }
        }
    }

    private static func lines(of torrent: TorrentProgress, _ reports: [DiagnosisReport]) -> [String] {
        let verdict = reports.first { $0.torrent.id == torrent.id }?.verdict
        return [Self.line(torrent)] + (verdict.map { Self.verdictLines($0, of: torrent) } ?? [])
    }

    private func tell(_ caps: [CapUsage]) {
        self.output.printJSON { json in
            json.member("event", "caps")
            json.member(
                "caps",
                array: { json in
                    for usage in caps {
                        json.object { json in
                            json.member("name", usage.cap.name)
                            json.member("limit", limit: usage.cap.upload)
                            json.member("up_rate", usage.uploadRate.bytesPerSecond)
                            json.member("uploaded", usage.uploaded)
                            json.member("torrents", usage.torrents)
                            json.member("peers_waiting", usage.peersWaiting)
                        }
                    }
                })
        }
    }

    /// Writes over what the last call has written.
    private func draw(
        _ progress: [TorrentProgress], _ reports: [DiagnosisReport], _ caps: [CapUsage], _ sleeping: Int
    ) {
        var lines: [String] = []
        for torrent in progress.prefix(8) { lines += Self.lines(of: torrent, reports) }
        if progress.count > 8 { lines.append("… and \(progress.count - 8) more") }
        if sleeping > 0 { lines.append("\(sleeping) torrents seed and wait for a peer") }
        for usage in caps.filter({ $0.torrents > 0 }).prefix(4) {
            guard let limit = usage.cap.upload.rate else { continue }
            let (rate, most) = (usage.uploadRate.bytesPerSecond, limit.bytesPerSecond)
            lines.append(
                "  ↑ \(rateText(Double(rate))) of \(rateText(Double(most))) for \(plain(usage.cap.name))")
        }
        self.clear()
        guard !lines.isEmpty else { return }
        let width = Self.terminalWidth()
        self.output.say(lines.map { String($0.prefix(width - 1)) }.joined(separator: "\n"))
        self.linesShown = lines.count
    }

    /// Nothing while all goes well. What stands still is explained also where that is normal.
    private static func verdictLines(_ verdict: TorrentVerdict, of torrent: TorrentProgress) -> [String] {
        let isStill = !torrent.isFinished && torrent.downRate == .zero
        guard verdict.severity > .expected || isStill else { return [] }
        // A line of its own for what to do: lines are cut where the terminal ends.
        let remedy = verdict.severity == .expected ? nil : verdict.remedy
        return ["  " + plain(verdict.headline)] + (remedy.map { ["  → " + plain($0)] } ?? [])
    }

    private func clear() {
        guard self.isTerminal, self.linesShown > 0 else { return }
        self.output.write("\u{1B}[\(self.linesShown)A\u{1B}[J")
        self.linesShown = 0
    }

    private static func line(_ torrent: TorrentProgress) -> String {
        let share = torrent.totalBytes > 0 ? Double(torrent.doneBytes) / Double(torrent.totalBytes) : 0
        let width = 24
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let tenths = Int(share * 1000)
        var text =
            "[\(bar)] \(tenths / 10).\(tenths % 10) %  ↓ \(rateText(Double(torrent.downRate.bytesPerSecond)))"
        text += "  ↑ \(rateText(Double(torrent.upRate.bytesPerSecond)))  \(torrent.peers) peers"
        let left = torrent.totalBytes - torrent.doneBytes
        if left > 0, torrent.downRate.bytesPerSecond > 0 {
            text += "  \(durationText(left / torrent.downRate.bytesPerSecond))"
        }
        return text + "  " + plain(torrent.name)
    }

    private static func terminalWidth() -> Int {
        var size = winsize()
        guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Seconds for people: "1 h 5 min".
func durationText(_ seconds: Int64) -> String {
    if seconds >= 86_400 { return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h" }
    if seconds >= 3600 { return "\(seconds / 3600) h \(seconds % 3600 / 60) min" }
    if seconds >= 60 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds) s"
}
