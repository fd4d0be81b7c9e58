import CommandLineParsing
import EventIO
import Glibc
import JSONValues
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentStorage

let verifyCommand = Command(
    spec: CommandSpec(
        "verify", "Check a torrent's files against its hashes",
        details: [
            "Reads everything, on every processor, and changes nothing. Exits with 0 when all pieces are there, with 1 when some are not, and with 65 when the torrent file is damaged."
        ],
        options: [
            .value(
                "dir", "d", "DIR",
                "Where the torrent's file or folder lies; the working directory by default",
                completion: .files),
            CommonOption.json,
        ],
        arguments: [ArgumentSpec("FILE", "A torrent file", completion: .files)],
        examples: [
            CommandExample("weir verify debian.torrent --dir /srv/iso", "Which pieces and files are whole")
        ])
) { invocation throws(ServiceFailure) in
    let subject: VerifySubject
    do throws(ShowFailure) {
        subject = try VerifySubject(invocation.parsed.arguments.first ?? "")
    } catch {
        invocation.output.say("weir verify: \(error.text)")
        return .badInput
    }
    let directory = invocation.parsed.value("dir") ?? "."
    guard isDirectory(directory) else {
        invocation.output.say("weir verify: \(plain(directory)) is not a directory")
        return .failed
    }
    let started = monotonicNow()
    let report = try check(subject, directory)
    let outcome = VerifyOutcome(
        subject: subject, report: report, seconds: monotonicNow().seconds(since: started))
    if invocation.wantsJSON {
        invocation.output.printJSON(outcome.write)
    } else {
        outcome.print(to: invocation.output)
    }
    if let failure = report.unreadable { invocation.output.say("weir verify: \(plain(failure.description))") }
    return report.have.isComplete ? .done : .failed
}

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// A torrent whose files can be checked.
private struct VerifySubject: Sendable {
    var metainfo: Metainfo
    var layout: TorrentLayout
    var hashes: PieceHashes

    init(_ argument: String) throws(ShowFailure) {
        guard case .torrent(let metainfo) = try TorrentListing(argument) else {
            throw ShowFailure(text: "a magnet link holds no hashes of pieces; give a torrent file")
        }
        guard let hashes = PieceHashes(metainfo) else {
            throw ShowFailure(
                text: "\(plain(argument)) is a v2 torrent; only v1 and hybrid ones can be checked")
        }
        do throws(LayoutFailure) {
            self.layout = try TorrentLayout(metainfo)
        } catch {
            throw ShowFailure(text: "\(plain(argument)): its files cannot be laid out (\(error))")
        }
        self.metainfo = metainfo
        self.hashes = hashes
    }
}

/// Runs the check on a loop and threads of its own and waits for it.
private func check(_ subject: VerifySubject, _ directory: String) throws(ServiceFailure) -> CheckReport {
    final class Found: Sendable {
        let report = Lock<CheckReport?>(nil)
    }
    let found = Found()
    let line = ProgressLine()
    let started = monotonicNow()
    let pieceLength = Int64(subject.layout.geometry.pieceLength)
    do {
        let loop = try EventLoop(name: "weir-verify")
        var limits = StorageService.Limits()
        limits.threadCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let service = try StorageService(loop: loop, limits: limits)
        loop.post {
            let store = TorrentStore(
                torrent: subject.metainfo.id, layout: subject.layout, directory: directory, service: service,
                hashes: subject.hashes)
            store.check { progress in
                line.show {
                    let bytes = Int64(progress.checkedPieces) * pieceLength
                    let percent = progress.checkedPieces * 100 / max(1, progress.pieceCount)
                    let rate = Double(bytes) / max(0.001, monotonicNow().seconds(since: started))
                    return "checking: \(percent) %, \(progress.goodPieces) good pieces, \(rateText(rate))"
                }
            } completion: { report in
                found.report.withLock { $0 = report }
                service.stop()
                loop.stop()
            }
        }
        loop.run()
        service.join()
    } catch {
        throw .system("cannot start the check: \(error)")
    }
    line.clear()
    guard let report = found.report.withLock({ $0 }) else { throw .system("the check did not end") }
    return report
}

/// What was found, for people and for programs.
private struct VerifyOutcome {
    var subject: VerifySubject
    var report: CheckReport
    var seconds: Double

    /// Of the files that are none of padding and links: whether all their pieces are whole.
    private func goodPieces(ofFile file: Int) -> (good: Int, count: Int) {
        let pieces = self.subject.layout.pieces(ofFile: file)
        return (pieces.count { self.report.have[$0] }, pieces.count)
    }

    private var storedFiles: [(index: Int, file: TorrentFile)] {
        self.subject.metainfo.files.enumerated().filter { $1.isStored }.map { (index: $0, file: $1) }
    }

    func write(to json: inout JSONWriter) {
        json.member("info_hash", self.subject.metainfo.id.hex)
        json.member("name", self.subject.metainfo.name)
        json.member("complete", self.report.have.isComplete)
        json.member("good_pieces", self.report.have.setCount)
        json.member("piece_count", self.report.have.count)
        json.member("piece_length", Int64(self.subject.layout.geometry.pieceLength))
        json.member("seconds", self.seconds)
        json.member("error", self.report.unreadable?.code)
        json.member(
            "files",
            array: { json in
                for (index, file) in self.storedFiles {
                    let (good, count) = self.goodPieces(ofFile: index)
                    json.object { json in
                        json.member("path", file.path)
                        json.member("length", file.length)
                        json.member("good_pieces", good)
                        json.member("piece_count", count)
                    }
                }
            })
    }

    func print(to output: Output) {
        let (good, count) = (self.report.have.setCount, self.report.have.count)
        let bytes = self.subject.layout.geometry.totalLength
        let rate = rateText(Double(bytes) / max(0.001, self.seconds))
        output.print(
            "\(plain(self.subject.metainfo.name)): \(good) of \(count) pieces are good (\(good * 100 / max(1, count)) %), \(sizeText(bytes)) checked at \(rate)"
        )
        var rows: [[String]] = []
        for (index, file) in self.storedFiles {
            let (good, count) = self.goodPieces(ofFile: index)
            if good < count { rows.append([plain(file.path), "\(good)", "\(count)"]) }
        }
        guard !rows.isEmpty else { return }
        output.printTable(
            ["incomplete file", "good", "pieces"], rightAligned: [1, 2], Array(rows.prefix(100)))
        if rows.count > 100 { output.print("… and \(rows.count - 100) more") }
    }
}
