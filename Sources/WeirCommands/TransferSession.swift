import CommandLineParsing
import EventIO
import Glibc
import JSONValues
import MetainfoCoding
import ServiceAssembly
import StallDiagnosis
import SwarmTypes
import TorrentEngine

/// `weir get` and `weir seed`: an engine on the first thread, until everything is there or somebody says stop.
///
/// Lives on the loop only, which is the proof of the unchecked promise.
final class TransferSession: @unchecked Sendable {
    let loop: EventLoop
    let engine: TorrentEngine
    private let output: TransferOutput
    /// What to do when everything is finished: end, or go on seeding.
    private let endsWhenFinished: Bool
    private let seedRatio: Double?
    private var unfinished: Set<TorrentID> = []
    private var notRunning: Set<TorrentID> = []
    private(set) var exitCode = ExitCode.done
    private var isStopping = false
    /// More torrents are to come.
    private var isLoading = false
    private var folder: FolderSeeding?
    private var signals: SignalWatch?
    private let controlFolders: [String]
    /// Where `weir why` asks.
    private var control: LocalLineServer?

    init(
        _ settings: EngineSettings, output: TransferOutput, endsWhenFinished: Bool, seedRatio: Double?,
        controlFolders: [String]
    ) throws(ServiceFailure) {
        SignalWatch.block()
        MemoryTuning.apply()
        do throws(SystemCallFailure) {
            self.loop = try EventLoop(name: "weir")
            self.engine = try TorrentEngine(settings, loop: self.loop)
        } catch {
            throw .system(error.description)
        }
        self.output = output
        self.endsWhenFinished = endsWhenFinished
        self.seedRatio = seedRatio
        self.controlFolders = controlFolders
    }

    /// Runs the loop on the calling thread until all is done; answers what to say to the shell.
    func run(_ torrents: [(source: TorrentSource, options: AddOptions)]) throws(ServiceFailure) -> ExitCode {
        try self.run { session in
            session.add(torrents)
        }
    }

    /// The same with all torrents of a folder, which come while the loop runs.
    func run(_ folder: TorrentFolder, _ options: AddOptions) throws(ServiceFailure) -> ExitCode {
        try self.run { session in session.add(folder, options) }
    }

    private func run(
        _ addTorrents: @escaping @Sendable (TransferSession) -> Void
    ) throws(ServiceFailure) -> ExitCode {
        do throws(SystemCallFailure) {
            // A terminal that is gone ends it as well, but not under nohup. The descriptor of signals hears also of those
            // that are ignored.
            let outlivesTerminal = isIgnored(SIGHUP)
            self.signals = try SignalWatch(loop: self.loop) { [weak self] signal in
                if signal != SIGHUP || !outlivesTerminal { self?.interrupted() }
            }
        } catch {
            throw .system(error.description)
        }
        self.loop.post { [self] in if self.begin() { addTorrents(self) } }
        self.loop.run()
        self.signals = nil
        if let failure = self.failure { throw failure }
        return self.exitCode
    }

    private var failure: ServiceFailure?

    /// Answers whether anything can run.
    private func begin() -> Bool {
        self.control = ControlSocket.open(self.engine, folders: self.controlFolders) { self.output.say($0) }
        let isListening = self.engine.assumeIsolated { engine in
            engine.observe { [weak self] event in self?.happened(event) }
            do throws(SystemCallFailure) {
                try engine.listen()
                return true
            } catch {
                self.failure = .listening("cannot listen: \(error)")
                return false
            }
        }
        if isListening { self.report() } else { self.stop() }
        return isListening
    }

    private func add(_ torrents: [(source: TorrentSource, options: AddOptions)]) {
        self.engine.assumeIsolated { engine in
            for (source, options) in torrents {
                self.unfinished.insert(source.id)
                self.notRunning.insert(source.id)
                do throws(AddFailure) {
                    try engine.add(source, options)
                } catch {
                    self.happened(.failed(source.id, error.description))
                }
            }
        }
    }

    private func add(_ folder: TorrentFolder, _ options: AddOptions) {
        self.isLoading = true
        let seeding = FolderSeeding(folder, options, engine: self.engine) { [weak self] words in
            self?.exitCode = .failed
            self?.output.say(plain(words))
        } done: { [weak self] added in
            self?.loaded(added)
        }
        self.folder = seeding
        seeding.readOn()
    }

    /// A folder in which some torrents cannot be seeded is no reason not to seed the others.
    private func loaded(_ added: Int) {
        self.folder = nil
        self.isLoading = false
        if added == 0 {
            self.stop()
        } else if self.unfinished.isEmpty, self.notRunning.isEmpty {
            self.output.ready()
        }
    }

    private func happened(_ event: EngineEvent) {
        switch event {
        case .running(let id):
            self.notRunning.remove(id)
        case .metadata: break
        case .finished(let id):
            self.unfinished.remove(id)
            self.notRunning.remove(id)
        case .failed(let id, let words):
            self.unfinished.remove(id)
            self.notRunning.remove(id)
            self.exitCode = .failed
            self.output.failed(id, words)
        }
        self.output.happened(event) { id in self.engine.assumeIsolated { $0.progress(of: id) } }
        if self.unfinished.isEmpty, self.notRunning.isEmpty { self.allFinished() }
    }

    private func allFinished() {
        guard !self.isLoading else { return }
        self.output.ready()
        if self.exitCode != .done || (self.endsWhenFinished && self.seedRatio == nil) { self.stop() }
    }

    /// Shows how far it is, now and again and again.
    private func report() {
        guard !self.isStopping else { return }
        let (progress, snapshots, sleeping) = self.engine.assumeIsolated { engine in
            (
                self.output.wantsProgress || self.seedRatio != nil ? engine.awakeProgress : [],
                self.output.wantsDiagnosis ? engine.allSnapshots : [], engine.dormantCount
            )
        }
        self.output.report(progress, snapshots, sleeping: sleeping)
        if let ratio = self.seedRatio, self.unfinished.isEmpty,
            progress.allSatisfy({ Double($0.uploaded) >= ratio * Double(max(1, $0.totalBytes)) })
        {
            self.stop()
            return
        }
        self.loop.schedule(afterSeconds: self.output.intervalSeconds) { [weak self] in self?.report() }
    }

    private func interrupted() {
        if self.isStopping {
            // Asked a second time: at once.
            self.loop.stop()
            return
        }
        if !self.unfinished.isEmpty, self.endsWhenFinished { self.exitCode = .tryAgain }
        self.output.say("stopping: writing what is left and telling the trackers")
        self.stop()
    }

    private func stop() {
        guard !self.isStopping else { return }
        self.isStopping = true
        self.engine.assumeIsolated { engine in
            if self.output.wantsEnds { self.output.ended(engine.allProgress) }
            engine.stop { [loop = self.loop] in loop.stop() }
        }
    }
}

private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    // SIG_IGN is the number 1 in the place of a function.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
}
