import EventIO
import Glibc
import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentEngine

/// Where the sessions of this user open their sockets: the first folder that can be used is taken, all are looked
/// through.
func controlFolders(_ environment: [String: String]) -> [String] {
    let fallback = "/tmp/weir-\(geteuid())"
    // Anything but an absolute path is to be ignored (XDG Base Directory Specification).
    guard let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") else { return [fallback] }
    return [runtime + "/weir", fallback]
}

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

/// What `weir why` asks a session: one line of JSON.
struct WhyRequest: Hashable, Sendable {
    static let version: Int64 = 1

    enum Selection: Hashable, Sendable {
        case all
        case id(TorrentID)
        /// The beginning of an info-hash, or a part of a name in any case of letter.
        case text(String)
    }

    var selection: Selection
    /// The report as a tree, for programs, instead of lines for people.
    var wantsTree: Bool

    init(_ selection: Selection, wantsTree: Bool) {
        self.selection = selection
        self.wantsTree = wantsTree
    }

    /// Nil for anything that is no request, also of a later version.
    init?(_ line: String) {
        guard let value = try? JSONReader.read(Array(line.utf8), maximumDepth: 2),
            value["version"]?.integer == Self.version, value["command"]?.text == "why"
        else { return nil }
        self.wantsTree = value["tree"]?.boolean ?? false
        if let hex = value["id"]?.text {
            guard let id = TorrentID(hex: hex) else { return nil }
            self.selection = .id(id)
        } else if let text = value["text"]?.text {
            self.selection = .text(text)
        } else {
            self.selection = .all
        }
    }

    var line: String {
        var json = JSONWriter()
        json.object { json in
            json.member("version", Self.version)
            json.member("command", "why")
            json.member("tree", self.wantsTree)
            switch self.selection {
            case .all: break
            case .id(let id): json.member("id", id.hex)
            case .text(let text): json.member("text", text)
            }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    func matches(_ id: TorrentID, name: String) -> Bool {
        switch self.selection {
        case .all: true
        case .id(let wanted): wanted == id
        case .text(let text):
            id.hex.hasPrefix(text.lowercased()) || name.lowercased().holds(text.lowercased())
        }
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
        var json = JSONWriter(reservingBytes: 8192)
        if self.wantsTree {
            json.value(report.tree)
        } else {
            json.array { for line in report.lines() { $0.string(line) } }
        }
        return json.bytes
    }
}
