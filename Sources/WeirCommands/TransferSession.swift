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
    private var caps: CapChoice?
    private var unfinished: Set<TorrentID> = []
    private var notRunning: Set<TorrentID> = []
    private(set) var exitCode = ExitCode.done
    private var isStopping = false
    private var signals: SignalWatch?
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
        self.endsWhenFinished = endsWhenFinished
        self.seedRatio = seedRatio
        self.caps = caps
        self.controlFolders = controlFolders
    }

    /// Runs the loop on the calling thread until all is done; answers what to say to the shell.
    func run(_ torrents: [(source: TorrentSource, options: AddOptions)]) throws(ServiceFailure) -> ExitCode {
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
        self.loop.post { [self] in self.begin(torrents) }
        self.loop.run()
        self.signals = nil
        if let failure = self.failure { throw failure }
        return self.exitCode
    }

    private var failure: ServiceFailure?

    private func begin(_ torrents: [(source: TorrentSource, options: AddOptions)]) {
        self.control = ControlSocket.open(self.engine, folders: self.controlFolders) { self.output.say($0) }
        self.engine.assumeIsolated { engine in
            engine.observe { [weak self] event in self?.happened(event) }
            do throws(SystemCallFailure) {
                try engine.listen()
            } catch {
                self.failure = .listening("cannot listen: \(error)")
                self.stop()
                return
            }
            if let caps = self.caps { engine.setCaps(caps.caps) }
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
        }
        self.report()
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
        self.output.happened(event, self.engine.assumeIsolated { $0.allProgress })
        if self.unfinished.isEmpty, self.notRunning.isEmpty { self.allFinished() }
    }

    private func allFinished() {
        self.output.ready()
        if self.exitCode != .done || (self.endsWhenFinished && self.seedRatio == nil) { self.stop() }
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
            progress.allSatisfy({ Double($0.uploaded) >= ratio * Double(max(1, $0.wantedBytes)) })
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
            self.output.ended(engine.allProgress)
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
