import CommandLineParsing
import EventIO
import MetainfoCoding
import ServiceAssembly
import SwarmTypes
import TorrentEngine

/// The options that `get` and `seed` share.
enum TransferOption {
    static let directory = OptionSpec.value(
        "dir", "d", "DIR", "Where the torrent's files lie, or are put", completion: .files)
    static let port = OptionSpec.value("port", "p", "N", "The port to take peers on; 0 is any free one")
    static let up = OptionSpec.value(
        "up", nil, "RATE", "The most to upload, such as 500K or 2M bytes a second")
    static let down = OptionSpec.value("down", nil, "RATE", "The most to download")
    static let peer = OptionSpec.value(
        "peer", nil, "HOST:PORT", "A peer to dial; may be said several times", isRepeatable: true)
    static let encryption = OptionSpec.value(
        "encryption", nil, "POLICY", "allow, prefer, require or off (message stream encryption)",
        completion: .words(["allow", "prefer", "require", "off"]))
    static let portMapping = OptionSpec.value(
        "port-mapping", nil, "WORD", "on or off: ask the router to let peers in (UPnP, NAT-PMP)",
        completion: .words(["on", "off"]))
    static let verbose = OptionSpec.flag("verbose", "v", "Say every 30 seconds what each peer waits for")
    static let all = [directory, port, up, down, peer, encryption, portMapping, verbose, CommonOption.json]
}

let getCommand = Command(
    spec: CommandSpec(
        "get", "Download a torrent",
        details: [
            "Fetches what is missing below --dir, and resumes what is there. Ctrl-C writes what has come and tells the trackers. When it is slow, the line below the progress says why."
        ],
        options: TransferOption.all + [
            .value("select", nil, "NUMBERS", "Only these files, as 0,3-5 (see weir show)"),
            .value("seed-ratio", nil, "RATIO", "Go on seeding until so much is uploaded"),
            .flag("sequential", nil, "In order, for watching while it comes"),
        ],
        arguments: [ArgumentSpec("TORRENT", "A .torrent file, its web address, or a magnet link")],
        examples: [
            CommandExample("weir get debian.torrent --dir ~/Downloads", "Fetch a torrent"),
            CommandExample("weir get debian.torrent --dir . --down 10M --up 2M", "And leave room for others"),
        ])
) { invocation throws(ServiceFailure) in
    let line = TransferLine(invocation)
    let source = try line.source(of: try line.argument())
    var settings = try line.settings()
    settings.isSequential = invocation.parsed.has("sequential")
    var options = try line.options()
    options.selectedFiles = try line.selection() ?? source.selectedFiles
    let ratio = try line.ratio()
    let session = try TransferSession(
        settings, output: line.output(.get), endsWhenFinished: true, seedRatio: ratio,
        controlFolders: line.controlFolders)
    return try session.run([(source, options)])
}

let seedCommand = Command(
    spec: CommandSpec(
        "seed", "Upload torrents whose data is there",
        details: [
            "Takes the data below --dir as complete, and proves each piece when a peer first asks for it; --check hashes everything first, --trust nothing. Prints READY when all torrents seed, and goes on until it is told to stop."
        ],
        options: TransferOption.all + [
            .flag("check", nil, "Hash everything before seeding"),
            .flag("trust", nil, "Hash nothing at all: the data is known to be right"),
        ],
        arguments: [ArgumentSpec("TORRENT", "A .torrent file, or a folder of them")],
        examples: [CommandExample("weir seed torrents/ --dir /srv/data --up 2M", "Seed a folder of torrents")]
    )
) { invocation throws(ServiceFailure) in
    let line = TransferLine(invocation)
    let sources = try line.sources(of: try line.argument())
    var options = try line.options()
    options.knowledge =
        invocation.parsed.has("check") ? .check : invocation.parsed.has("trust") ? .trusted : .complete
    let session = try TransferSession(
        try line.settings(), output: line.output(.seed), endsWhenFinished: false, seedRatio: nil,
        controlFolders: line.controlFolders)
    return try session.run(sources.map { ($0, options) })
}
