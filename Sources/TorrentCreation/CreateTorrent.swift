import CLinuxIO
import Glibc
public import MetainfoCoding
import SwarmTypes

/// How far the hashing of a new torrent is, in bytes of content.
public struct CreationProgress: Hashable, Sendable {
    public var hashedLength: Int64
    public var totalLength: Int64
}

/// A torrent made of files on this machine.
public struct CreatedTorrent: Sendable {
    public var torrentFile: [UInt8]
    /// The same, as every reader of it will see it.
    public var metainfo: Metainfo
    /// Files that clients will store under another name, because theirs is not safe everywhere or equals another one's but for
    /// case: the path in the torrent and on a disk.
    public var renamed: [(from: String, to: String)]
}

/// Makes a torrent of a file, or of all files in a folder.
///
/// Reads every byte once, on as many threads as the machine has processors. Each holds a buffer of 256 KiB, one open file and the
/// digests of at most 4 MiB, so that memory grows with the number of pieces only.
///
/// - Parameters:
///   - name: the torrent's name; nil for that of the path.
///   - threads: at most; nil for one a processor.
///   - progress: called on those threads, in no order; answers false to stop.
public func createTorrent(
    of path: String, name: String? = nil, options: TorrentOptions, threads: Int? = nil,
    progress: @escaping @Sendable (CreationProgress) -> Bool = { _ in true }
) throws(CreationFailure) -> CreatedTorrent {
    let tree = try SourceTree(path)
    // By bytes: as strings, two names that differ in composition only would be one.
    let sources = tree.files.sorted { TorrentBuilder.precedes($0.components, $1.components) }
    let name = name ?? tree.name
    let builder: TorrentBuilder
    do throws(TorrentBuildFailure) {
        builder = try TorrentBuilder(
            name: name, isMultiFile: tree.isFolder,
            files: sources.map {
                .init(components: tree.isFolder ? $0.components : [name], length: $0.length)
            }, options: options)
    } catch {
        throw .cannotBuild(error)
    }
    let hashing = PieceHashing(builder, sources, progress: progress)
    try run(hashing, threads: threads ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let (v1, v2) = try hashing.results()
    for file in sources {
        var status = stat()
        guard stat(file.path, &status) == 0, Int64(status.st_size) == file.length,
            status.modified == file.modified
        else { throw .changed(path: file.path) }
    }

    let bytes: [UInt8]
    do throws(TorrentBuildFailure) {
        bytes = try builder.torrentFile(v1Hashes: v1, v2Hashes: v2, hashing: .openSSL)
    } catch {
        throw .cannotBuild(error)
    }
    let metainfo: Metainfo
    do throws(MetainfoFailure) {
        metainfo = try Metainfo(torrentFile: bytes, hashing: .openSSL)
    } catch {
        throw .system("no client could read the torrent: \(error)")
    }
    let folder = builder.isMultiFile ? "\(builder.name)/" : ""
    let stored = metainfo.files.filter { !$0.isPadding }
    let renamed = zip(builder.files, stored).map { (folder + $0.components.joined(separator: "/"), $1.path) }
    return CreatedTorrent(
        torrentFile: bytes, metainfo: metainfo,
        renamed: renamed.filter { !$0.0.utf8.elementsEqual($0.1.utf8) }.map { (from: $0.0, to: $0.1) })
}

/// Works on this thread and on further ones, and comes back when all are done.
private func run(_ hashing: PieceHashing, threads: Int) throws(CreationFailure) {
    var others: [pthread_t] = []
    for _ in 1..<max(1, min(threads, hashing.builder.geometry.pieceCount)) {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<PieceHashing>.fromOpaque(context).takeUnretainedValue().work()
                return nil
            }, Unmanaged.passUnretained(hashing).toOpaque())
        // Those that there are do all the work.
        guard code == 0 else { break }
        weir_set_thread_name(thread, "weir-hash")
        others.append(thread)
    }
    hashing.work()
    for thread in others { pthread_join(thread, nil) }
}
