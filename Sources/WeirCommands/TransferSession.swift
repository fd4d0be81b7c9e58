import CommandLineParsing
import EventIO
import Glibc
import JSONValues
import MetainfoCoding
import ServiceAssembly
import StallDiagnosis
import SwarmTypes
import TorrentEngine
import TorrentStorage

/// `weir get` and `weir seed`: an engine on the first thread, until everything is there or somebody says stop.
///
/// Lives on the loop only, which is the proof of the unchecked promise.
final class TransferSession: @unchecked Sendable {
    let loop: EventLoop
    let engine: TorrentEngine
    private let output: TransferOutput
    /// Of a download; nil when it keeps none.
    var notesPath: String?
    /// What to do when everything is finished: end, or go on seeding.
    private let endsWhenFinished: Bool
    private let seedRatio: Double?
    private var caps: CapChoice?
    private var unfinished: Set<TorrentID> = []
    private var notRunning: Set<TorrentID> = []
    /// What keeps the record, until the engine has it.
    var keeper: ResumeKeeper?
    private var isRestoring = false
    /// Brought back by the session, not running yet.
    private var restored: Set<TorrentID> = []
    /// Nothing is left that a next start should know.
    private var isDone = false
    private(set) var exitCode = ExitCode.done
    private var isStopping = false
    /// More torrents are to come.
    private var isLoading = false
    private var folder: FolderSeeding?
    /// Until its turn comes.
    private var folderToLoad: (TorrentFolder, AddOptions)?
    private var signals: SignalWatch?
    /// As it was asked for; 0 is any.
    private let port: UInt16
    private let controlFolders: [String]
    /// Where `weir why` asks.
    private var control: LocalLineServer?

    init(
        _ settings: EngineSettings, output: TransferOutput, endsWhenFinished: Bool, seedRatio: Double?,
        caps: CapChoice?, controlFolders: [String]
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
        self.port = settings.listenAddresses.first?.port ?? 0
        self.endsWhenFinished = endsWhenFinished
        self.seedRatio = seedRatio
        self.caps = caps
        self.controlFolders = controlFolders
    }

    /// Runs the loop on the calling thread until all is done; answers what to say to the shell.
    /// - Parameters:
    ///   - folder: its torrents come while the loop runs.
    ///   - restoring: how the torrents of the session's record are added; nil when there is none.
    func run(
        _ torrents: [(source: TorrentSource, options: AddOptions)],
        from folder: (torrents: TorrentFolder, options: AddOptions)? = nil, restoring: AddOptions? = nil
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
        try folder?.torrents.start()
        self.isLoading = folder != nil
        self.isRestoring = restoring != nil
        self.loop.post { [self] in
            guard self.begin() else { return }
            self.folderToLoad = folder
            self.add(torrents, restoring)
            if restoring == nil { self.loadFolder() }
        }
        self.loop.run()
        self.signals = nil
        if let failure = self.failure { throw failure }
        return self.exitCode
    }

    private var failure: ServiceFailure?

    func say(_ text: String) { self.output.say(text) }

    /// Answers whether anything can run.
    private func begin() -> Bool {
        self.control = ControlSocket.open(self.engine, folders: self.controlFolders) { self.output.say($0) }
        let isListening = self.engine.assumeIsolated { engine in
            engine.observe { [weak self] event in self?.happened(event) }
            do throws(SystemCallFailure) {
                try engine.listen()
                return true
            } catch {
                self.failure = .listening("cannot listen on port \(self.port): \(error)")
                return false
            }
        }
        if isListening { self.report() } else { self.stop() }
        return isListening
    }

    private func add(
        _ torrents: [(source: TorrentSource, options: AddOptions)], _ restoring: AddOptions?
    ) {
        self.engine.assumeIsolated { engine in
            if let caps = self.caps { engine.setCaps(caps.caps) }
            if let keeper = self.keeper { engine.keepRecord(by: keeper) }
            self.keeper = nil
            for (source, options) in torrents {
                var options = options
                options.cap = self.caps?.cap(of: source)
                self.unfinished.insert(source.id)
                self.notRunning.insert(source.id)
                do throws(AddFailure) {
                    try engine.add(source, options)
                } catch {
                    self.happened(.failed(source.id, error.description))
                }
            }
            if let restoring {
                engine.restoreRecorded(restoring) { [weak self] id, urls in
                    self?.caps?.cap(of: id, urls)
                } _: { [weak self] id in
                    self?.unfinished.insert(id)
                    self?.notRunning.insert(id)
                    self?.restored.insert(id)
                } then: { [weak self] result in
                    self?.restored(result)
                }
            }
        }
    }

    /// What the session has already is not read again.
    private func loadFolder() {
        guard let (folder, options) = self.folderToLoad, !self.isStopping else { return }
        self.folderToLoad = nil
        let seeding = FolderSeeding(folder, options, engine: self.engine) { [weak self] id, urls in
            self?.caps?.cap(of: id, urls)
        } failed: { [weak self] words in
            self?.exitCode = .failed
            self?.output.say(plain(words))
        } done: { [weak self] in
            self?.folder = nil
            self?.isLoading = false
            self?.endIfFinished()
        }
        self.folder = seeding
        seeding.readOn()
    }

    private func restored(_ result: Result<Int, ResumeFailure>) {
        self.isRestoring = false
        switch result {
        case .failure(let failure):
            self.failure = .system(failure.description)
            self.stop()
        case .success(0) where self.unfinished.isEmpty && self.exitCode == .done && !self.isLoading:
            self.say("the session has no torrents yet: name some to add them")
        case .success: break
        }
        self.loadFolder()
        self.endIfFinished()
    }

    private func happened(_ event: EngineEvent) {
        switch event {
        case .running(let id):
            self.notRunning.remove(id)
            if self.restored.remove(id) != nil { self.engine.assumeIsolated { self.caps?.assign(id, $0) } }
        case .metadata, .announced, .interrupted, .damaged, .recordFailed: break
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
        self.endIfFinished()
    }

    private func endIfFinished() {
        guard self.unfinished.isEmpty, self.notRunning.isEmpty, !self.isRestoring, !self.isLoading else {
            return
        }
        self.allFinished()
    }

    private func allFinished() {
        self.output.ready()
        self.isDone = self.endsWhenFinished && self.seedRatio == nil && self.exitCode == .done
        if self.isDone || self.exitCode != .done && !self.hasAnyLeft { self.stop() }
    }

    /// Some torrents that failed are no reason not to seed the others.
    private var hasAnyLeft: Bool {
        guard !self.endsWhenFinished else { return false }
        return self.engine.assumeIsolated { engine in
            engine.dormantCount > 0 || engine.awakeProgress.contains { $0.state != "failed" }
        }
    }

    /// Shows how far it is, now and again and again.
    private func report() {
        guard !self.isStopping else { return }
        let (progress, snapshots, caps, sleeping) = self.engine.assumeIsolated { engine in
            self.caps?.follow(engine)
            let isSeen = self.output.wantsProgress
            return (
                isSeen || self.seedRatio != nil ? engine.awakeProgress : [],
                self.output.wantsDiagnosis ? engine.allSnapshots : [], isSeen ? engine.capUsages : [],
                engine.dormantCount
            )
        }
        self.output.report(progress, snapshots, caps, sleeping: sleeping)
        if let ratio = self.seedRatio, self.unfinished.isEmpty,
            progress.allSatisfy({ Double($0.totalUploaded) >= ratio * Double(max(1, $0.wantedBytes)) })
        {
            self.isDone = true
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
            if self.isDone { self.forgetDamagedNotes() }
            engine.stop(removingRecord: self.isDone && self.notesPath != nil) { [loop = self.loop, engine] in
                let tally = engine.assumeIsolated { $0.farewellTally }
                if tally.untold > 0 {
                    self.output.say(
                        "of \(tally.told + tally.untold) farewells to trackers \(tally.untold) were not told")
                }
                loop.stop()
            }
        }
    }
}

private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    // SIG_IGN is the number 1 in the place of a function.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
}
