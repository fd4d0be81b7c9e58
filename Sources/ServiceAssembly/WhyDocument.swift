import ControlAPI
import EventIO
import Glibc
import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// What a running service answers to `weir why`: its own torrents and those it governs, what needs somebody first.
struct WhyDocument: Sendable {
    /// Beyond one of them, torrents are only counted.
    private static let maximumTorrents = 1000
    /// Without a selection and for people: a page or two, not a novel.
    private static let shownToPeople = 20
    private static let maximumBytes = 8 << 20
    /// For names that nobody has asked for yet; whoever asks waits five seconds.
    private static let patienceSeconds = 3.0

    private let request: WhyRequest
    private let limit: Int
    private var bytes: [UInt8]
    private var shown = 0
    private var omitted = 0

    private init(_ request: WhyRequest) {
        self.request = request
        let isForPeople = request.selection == .all && !request.wantsTree
        self.limit = isForPeople ? Self.shownToPeople : Self.maximumTorrents
        self.bytes = Array("{\"version\":\(WhyRequest.version),\"pid\":\(getpid()),\"torrents\":[".utf8)
    }

    static func answer(
        _ request: WhyRequest, torrents: (any TorrentDirecting)?, control: any GovernorControl, at now: Double
    ) async -> [UInt8] {
        var document = Self(request)
        if let torrents { await document.add(torrents) }
        await document.add(control, at: now)
        return document.bytes + Array("],\"omitted\":\(document.omitted)}\n".utf8)
    }

    private var hasRoom: Bool { self.shown < self.limit && self.bytes.count < Self.maximumBytes }

    private mutating func append(_ report: [UInt8]) {
        if self.shown > 0 { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes += report
        self.shown += 1
    }

    private mutating func add(_ torrents: any TorrentDirecting) async {
        let rows = torrents.mirror.state.rows.values.map(\.summary)
            .filter { self.request.matches($0.id, name: $0.name) }
            .sorted { ($0.urgency, $0.name, $0.id) < ($1.urgency, $1.name, $1.id) }
        for row in rows {
            guard self.hasRoom else {
                self.omitted += 1
                continue
            }
            // It may have ended since the request came.
            guard let snapshot = try? await torrents.snapshot(of: row.id) else { continue }
            self.append(DiagnosisReport(snapshot).bytes(asTree: self.request.wantsTree))
        }
    }

    private mutating func add(_ control: any GovernorControl, at now: Double) async {
        let rows = await control.governedTorrents(waitingForNames: Self.patienceSeconds)
            .filter { self.request.matches($0.id, name: $0.name) }
            .sorted { ($0.urgency, $0.key.text) < ($1.urgency, $1.key.text) }
        guard !rows.isEmpty, let situation = try? await control.situation() else { return }
        for row in rows {
            guard self.hasRoom else {
                self.omitted += 1
                continue
            }
            let changes = (try? await control.history(limit: 20, torrent: row.id)) ?? []
            let explanation = GovernedExplanation(
                row, situation, changes: changes.filter { $0.instance == row.instance }, at: now)
            var json = JSONWriter(reservingBytes: 2048)
            if self.request.wantsTree {
                json.object { explanation.write(to: &$0) }
            } else {
                json.array { for line in explanation.lines { $0.string(visibleText(line, limit: 500)) } }
            }
            self.append(json.bytes)
        }
    }
}

extension TorrentSummary {
    /// What needs somebody first, then what moves or should, then what rests.
    fileprivate var urgency: Int {
        switch self.trouble?.severity {
        case .problem?: 0
        case .watch?: 1
        default: self.isComplete || self.state == .stopped ? 3 : 2
        }
    }
}

extension GovernedRow {
    fileprivate var urgency: Int {
        !self.isCurrent || self.reason == .unplaced ? 0 : self.rate == .zero ? 2 : 1
    }
}

/// Answers `weir why` for the service, as a session does. It lasts as long as the loop.
final class ServiceSocket: Sendable {
    private let worker: EventLoop
    private let answer: @Sendable (WhyRequest) async -> [UInt8]
    private let server = Lock<LocalLineServer?>(nil)

    init(worker: EventLoop, answer: @escaping @Sendable (WhyRequest) async -> [UInt8]) {
        self.worker = worker
        self.answer = answer
    }

    /// On the loop. `say` hears why it cannot be opened, which is no reason not to run.
    func open(_ loop: EventLoop, folders: [String], saying say: (String) -> Void) {
        var problems: [String] = []
        for folder in folders {
            do throws(LocalDirectoryFailure) {
                let directory = try LocalDirectory(folder, creates: true)
                let server = try LocalLineServer(loop: loop, directory: directory, name: "\(getpid())") {
                    [worker, answer] line, reply in
                    guard let request = WhyRequest(line) else { return reply(nil) }
                    Task(executorPreference: worker) {
                        let document = Document(await answer(request))
                        reply { document.take() }
                    }
                }
                return self.server.withLock { $0 = server }
            } catch {
                problems.append("\(folder): \(error)")
            }
        }
        if !problems.isEmpty { say(problems.joined(separator: "; ")) }
    }

    /// An answer in one piece.
    private final class Document: Sendable {
        private let bytes: Lock<[UInt8]?>

        init(_ bytes: [UInt8]) { self.bytes = Lock(bytes) }

        func take() -> [UInt8]? {
            self.bytes.withLock { bytes in
                defer { bytes = nil }
                return bytes
            }
        }
    }
}
