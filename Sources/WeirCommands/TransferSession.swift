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
    /// - Parameter restoring: how the torrents of the session's record are added; nil when there is none.
    func run(
        _ torrents: [(source: TorrentSource, options: AddOptions)], restoring: AddOptions? = nil
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
        self.loop.post { [self] in self.begin(torrents, restoring) }
        self.loop.run()
        self.signals = nil
        if let failure = self.failure { throw failure }
        return self.exitCode
    }

    private var failure: ServiceFailure?

    func say(_ text: String) { self.output.say(text) }

    private func begin(
        _ torrents: [(source: TorrentSource, options: AddOptions)], _ restoring: AddOptions?
    ) {
        self.isRestoring = restoring != nil
        self.control = ControlSocket.open(self.engine, folders: self.controlFolders) { self.output.say($0) }
        self.engine.assumeIsolated { engine in
            engine.observe { [weak self] event in self?.happened(event) }
            do throws(SystemCallFailure) {
                try engine.listen()
            } catch {
                self.failure = .listening("cannot listen on port \(self.port): \(error)")
                self.stop()
                return
            }
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
                engine.restoreRecorded(restoring) { [weak self] id in
                    self?.unfinished.insert(id)
                    self?.notRunning.insert(id)
                    self?.restored.insert(id)
                } then: { [weak self] result in
                    self?.restored(result)
                }
            }
        }
        self.report()
    }

    private func restored(_ result: Result<Int, ResumeFailure>) {
        self.isRestoring = false
        switch result {
        case .failure(let failure):
            self.failure = .system(failure.description)
            self.stop()
        case .success(0) where self.unfinished.isEmpty && self.exitCode == .done:
            self.say("the session has no torrents yet: name some to add them")
        case .success: break
        }
        self.endIfFinished()
    }

    private func happened(_ event: EngineEvent) {
        switch event {
        case .running(let id):
            self.notRunning.remove(id)
            if self.restored.remove(id) != nil { self.engine.assumeIsolated { self.caps?.assign(id, $0) } }
        case .metadata, .interrupted, .damaged, .recordFailed: break
        case .finished(let id):
            self.unfinished.remove(id)
            self.notRunning.remove(id)
        case .failed(let id, let words):
            self.unfinished.remove(id)
            self.notRunning.remove(id)
            self.exitCode = .failed
            self.output.failed(id, words)
        }
        self.output.happened(event, self.engine.assumeIsolated { $0.allProgress })
        self.endIfFinished()
    }

    private func endIfFinished() {
        if self.unfinished.isEmpty, self.notRunning.isEmpty, !self.isRestoring { self.allFinished() }
    }

    private func allFinished() {
        self.output.ready()
        self.isDone = self.endsWhenFinished && self.seedRatio == nil && self.exitCode == .done
        if self.exitCode != .done || self.isDone { self.stop() }
    }

    /// Shows how far it is, now and again and again.
    private func report() {
        guard !self.isStopping else { return }
        let (progress, snapshots, caps) = self.engine.assumeIsolated { engine in
            self.caps?.follow(engine)
            return (
                engine.allProgress, self.output.wantsDiagnosis ? engine.allSnapshots : [], engine.capUsages
            )
        }
        self.output.report(progress, snapshots, caps)
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
            self.output.ended(engine.allProgress)
            if self.isDone { self.forgetDamagedNotes() }
            engine.stop(removingRecord: self.isDone && self.notesPath != nil) { [loop = self.loop] in
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
