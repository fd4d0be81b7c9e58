import EventIO
import Glibc
import JSONValues
import ServiceAssembly
import StallDiagnosis
import SwarmTypes
import TorrentEngine

/// Answers `weir why` for a running session.
enum ControlSocket {
    /// Must be called on the engine's loop. `output` hears why it cannot be opened, which is no reason not to run.
    static func open(
        _ engine: TorrentEngine, folders: [String], saying say: (String) -> Void
    ) -> LocalLineServer? {
        var problems: [String] = []
        for folder in folders {
            do throws(LocalDirectoryFailure) {
                let directory = try LocalDirectory(folder, creates: true)
                return try LocalLineServer(loop: engine.loop, directory: directory, name: "\(getpid())") {
                    [unowned engine] line in
                    WhyRequest(line).map { request in
                        let answer = engine.assumeIsolated { WhyAnswer(request, $0) }
                        return { answer.nextPiece() }
                    }
                }
            } catch {
                problems.append("\(folder): \(error)")
            }
        }
        if !problems.isEmpty {
            say("`weir why` will not find this session: \(plain(problems.joined(separator: "; ")))")
        }
        return nil
    }
}

/// One answer, made torrent by torrent, so that neither the engine waits nor the memory grows.
///
/// `@unchecked Sendable`: on the engine's loop only.
private final class WhyAnswer: @unchecked Sendable {
    /// Beyond one of them, torrents are only counted.
    private static let maximumTorrents = 1000
    private static let maximumBytes = 8 << 20

    private enum Step { case start, torrents, done }

    private unowned let engine: TorrentEngine
    private let wantsTree: Bool
    private var waiting: ArraySlice<TorrentID>
    private var step = Step.start
    private var shown = 0
    private var byteCount = 0

    init(_ request: WhyRequest, _ engine: isolated TorrentEngine) {
        self.engine = engine
        self.wantsTree = request.wantsTree
        if case .id(let id) = request.selection {
            self.waiting = engine.progress(of: id) == nil ? [] : [id]
        } else {
            self.waiting = engine.torrents { request.matches($0, name: $1) }[...]
        }
    }

    func nextPiece() -> [UInt8]? {
        switch self.step {
        case .start:
            self.step = .torrents
            return Array("{\"version\":\(WhyRequest.version),\"pid\":\(getpid()),\"torrents\":[".utf8)
        case .torrents:
            while self.shown < Self.maximumTorrents, self.byteCount < Self.maximumBytes {
                guard let id = self.waiting.popFirst() else { break }
                // It may have ended since the request came.
                guard let snapshot = self.engine.assumeIsolated({ $0.snapshot(of: id) }) else { continue }
                let piece =
                    (self.shown > 0 ? Array(",".utf8) : []) + self.bytes(of: DiagnosisReport(snapshot))
                self.shown += 1
                self.byteCount += piece.count
                return piece
            }
            self.step = .done
            return Array("],\"omitted\":\(self.waiting.count)}\n".utf8)
        case .done: return nil
        }
    }

    private func bytes(of report: DiagnosisReport) -> [UInt8] {
        report.bytes(asTree: self.wantsTree)
    }
}
