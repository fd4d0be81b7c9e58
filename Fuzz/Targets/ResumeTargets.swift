import Glibc
import SwarmTypes
import TorrentStorage

/// The blobs of the record's columns: what can be read fits the torrent, and means the same when it is written again.
///
/// The first byte chooses the column, the second how many pieces the torrent has; the rest is the blob.
let resumeTarget = FuzzTarget(name: "resume") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let choice = reader.byte()
    let count = Int(reader.byte()) + 1
    let blob = Array(reader.rest)
    switch choice % 5 {
    case 0:
        guard let pieces = ResumeCoding.pieces(blob, count: count) else { return }
        let again = ResumeCoding.pieces(ResumeCoding.bytes(of: pieces), count: count)
        try require(again == pieces && pieces.bitfield(count: count).count == count, "pieces \(pieces)")
    case 1:
        guard let partials = ResumeCoding.partials(blob, pieceCount: count) else { return }
        try require(partials.allSatisfy { 0..<count ~= $0.piece }, "a piece of another torrent")
        try require(
            ResumeCoding.partials(ResumeCoding.bytes(of: partials), pieceCount: count) == partials,
            "partial pieces \(partials)")
    case 2:
        guard let files = ResumeCoding.files(blob) else { return }
        try require(files.count <= blob.count, "\(files.count) files of \(blob.count) bytes")
        let again = ResumeCoding.files(ResumeCoding.bytes(of: files))
        // A size below -1 is written as -1, which is as absent.
        try require(again?.count == files.count, "files \(files)")
    case 3:
        guard case .some(let selection) = ResumeCoding.selection(blob) else { return }
        try require(
            ResumeCoding.selection(ResumeCoding.bytes(of: selection)) == .some(selection),
            "a selection \(String(describing: selection))")
    default:
        let trackers = SavedTrackers(column: blob)
        let tiers = trackers.tiers
        let again = SavedTrackers(tiers: tiers, isPrivate: trackers.isPrivate)
        try require(tiers.reduce(0) { $0 + $1.count } <= blob.count, "more trackers than bytes")
        try require(again.isPrivate == trackers.isPrivate, "private or not")
        try require(again.tiers == tiers, "tiers \(tiers)")
    }
}

/// A record that was damaged on disk is refused, or everything in it can be read and written on. The input is a list of
/// changes to a whole one: two bytes of where, one of how many, and the bytes.
let recordTarget = FuzzTarget(name: "record") { input throws(BrokenInvariant) in
    guard let sample = wholeRecord else { throw BrokenInvariant("no record could be made") }
    var bytes = sample
    var reader = InputReader(input)
    let cut = reader.twoBytes()
    if cut % 7 == 1 { bytes.removeLast(min(bytes.count, cut)) }
    while !reader.rest.isEmpty {
        let place = reader.twoBytes()
        for offset in 0..<Int(reader.byte() % 16) + 1 where place + offset < bytes.count {
            bytes[place + offset] = reader.byte()
        }
    }
    let path = recordFolder + "/record"
    for suffix in ["", "-wal", "-shm", ".lock"] { unlink(path + suffix) }
    write(bytes, to: path)
    guard let store = try? ResumeStore(path: path) else { return }
    store.removeWhenClosed()
    guard let records = try? store.records() else { return }
    for record in records {
        try require(record.have.bitfield(count: record.pieceCount % 4096).count >= 0, "pieces")
        _ = record.trackers.tiers
        _ = try? store.stored(record.torrent)
    }
    guard let id = TorrentID(bytes: [UInt8](repeating: 7, count: 20)) else { return }
    let added = ResumeRecord(
        torrent: id, name: "n", directory: "d", totalLength: 9, pieceCount: 9, have: .all, addedAt: 1)
    guard (try? store.add([ResumeAddition(added, metainfo: [1, 2])])) != nil else { return }
    try require((try? store.record(of: id)) == .some(.some(added)), "what was added is another")
}

private let recordFolder: String = {
    let path = "/dev/shm/weir-fuzz-\(getpid())"
    mkdir(path, 0o700)
    return path
}()

/// Three torrents with all that a record may hold, in one file.
private let wholeRecord: [UInt8]? = {
    let path = recordFolder + "/whole"
    guard let store = try? ResumeStore(path: path) else { return nil }
    store.removeWhenClosed()
    var some = Bitfield(count: 40)
    some.set(3)
    let additions = (UInt8(1)...3).compactMap { number -> ResumeAddition? in
        guard let id = TorrentID(bytes: [UInt8](repeating: number, count: 20)) else { return nil }
        let record = ResumeRecord(
            torrent: id, name: "torrent \(number)", directory: "/data", totalLength: 40 << 14, pieceCount: 40,
            have: number == 1 ? .all : number == 2 ? .some(some) : .none, uploaded: 5, downloaded: 6,
            addedAt: 7,
            trackers: SavedTrackers(tiers: [["http://a/b", "udp://c:1"], ["d"]], isPrivate: true))
        return ResumeAddition(
            record, metainfo: [UInt8](repeating: number, count: 600), selection: number == 2 ? some : nil,
            link: "magnet:?xt=urn:btih:")
    }
    let copy = recordFolder + "/copy"
    unlink(copy)
    guard (try? store.add(additions)) != nil, (try? store.backup(to: copy)) != nil else { return nil }
    let file = open(copy, O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? Array(bytes.prefix(count)) : nil
}()

private func write(_ bytes: [UInt8], to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
}
