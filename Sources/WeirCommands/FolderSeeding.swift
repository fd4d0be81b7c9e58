import EventIO
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentEngine

/// `weir seed FOLDER`: adds the torrents of a folder while the loop already serves those that are there.
///
/// Lives on the loop only, which is the proof of the unchecked promise.
final class FolderSeeding: @unchecked Sendable {
    /// Torrents that are checked at a time.
    private static let mostAwake = 64
    private static let pauseSeconds = 0.2

    private let folder: TorrentFolder
    private let engine: TorrentEngine
    private var options: AddOptions
    private let cap: (TorrentID, [String]) -> String?
    private let failed: (String) -> Void
    private let done: () -> Void
    private var next = 0

    /// - Parameters:
    ///   - cap: the name of the cap of a torrent with these announce URLs.
    ///   - failed: hears of each file that cannot be seeded.
    ///   - done: hears of the end once, unless the folder is let go of before.
    init(
        _ folder: TorrentFolder, _ options: AddOptions, engine: TorrentEngine,
        cap: @escaping (TorrentID, [String]) -> String?, failed: @escaping (String) -> Void,
        done: @escaping () -> Void
    ) {
        self.folder = folder
        self.engine = engine
        self.options = options
        self.cap = cap
        self.failed = failed
        self.done = done
    }

    /// The number of torrents is known.
    private func begin(_ count: Int) {
        self.options.startSpreadSeconds = TorrentEngine.startSpreadSeconds(torrents: count)
        self.engine.assumeIsolated { if self.options.knowledge != .check { $0.reserveDormant(count) } }
    }

    func readOn() {
        let isWhole = self.options.knowledge == .check
        if isWhole, self.engine.assumeIsolated({ $0.awakeCount }) >= Self.mostAwake {
            self.engine.loop.schedule(afterSeconds: Self.pauseSeconds) { [weak self] in self?.readOn() }
            return
        }
        self.folder.read(
            from: self.next, isWhole: isWhole, keepsBytes: self.engine.assumeIsolated { $0.keepsRecord },
            on: self.engine.loop
        ) { [weak self] entries, count in
            if let self, self.next == 0 { self.begin(count) }
            self?.add(entries)
        }
    }

    private func add(_ entries: [TorrentFolder.Entry]) {
        guard !entries.isEmpty else {
            MemoryTuning.releaseFreeMemory()
            return self.done()
        }
        self.next += entries.count
        var new: [(outline: TorrentOutline, metainfo: [UInt8])] = []
        for entry in entries {
            switch entry.content {
            case .failure(let failure): self.failed(failure.words)
            case .success(let content):
                switch self.add(content, entry.file) {
                case nil: if case .outline(let outline, let bytes) = content { new.append((outline, bytes)) }
                // The session has it, or another file is the same torrent.
                case .alreadyThere: break
                case .some(let failure): self.failed("\(self.folder.path)/\(entry.file): \(failure)")
                }
            }
        }
        let options = self.options
        // The next slice comes when this one is on disk, so that no more of them wait in memory.
        self.engine.assumeIsolated { engine in
            engine.recordDormant(new, options) { [weak self] in self?.readOn() }
        }
    }

    /// Answers why it cannot be added.
    private func add(_ content: TorrentFolder.Content, _ file: String) -> AddFailure? {
        let place = MetainfoPlace.file(folder: self.folder.path, name: file)
        var options = self.options
        switch content {
        case .outline(let outline, _): options.cap = self.cap(outline.id, Array(outline.tiers.joined()))
        case .metainfo(let metainfo):
            options.cap = self.cap(metainfo.id, Array(metainfo.announcement.tiers.joined()))
            options.place = place
        }
        return self.engine.assumeIsolated { engine in
            do throws(AddFailure) {
                switch content {
                case .outline(let outline, _): try engine.addDormant(outline, options, from: place)
                case .metainfo(let metainfo): try engine.add(.metainfo(metainfo), options)
                }
                return nil
            } catch {
                return error
            }
        }
    }
}
