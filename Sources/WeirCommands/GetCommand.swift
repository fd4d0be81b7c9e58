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
    static let config = OptionSpec.value(
        "config", "c", "FILE", "Hold the caps of the trackers in this configuration", variable: "WEIR_CONFIG",
        completion: .files)
    static let portMapping = OptionSpec.value(
        "port-mapping", nil, "WORD", "on or off: ask the router to let peers in (UPnP, NAT-PMP)",
        completion: .words(["on", "off"]))
    static let verbose = OptionSpec.flag("verbose", "v", "Say every 30 seconds what each peer waits for")
    static let all = [
        directory, port, up, down, config, peer, encryption, portMapping, verbose, CommonOption.json,
    ]
}

let getCommand = Command(
    spec: CommandSpec(
        "get", "Download a torrent",
        details: [
            "Fetches what is missing below --dir, and resumes what is there. Ctrl-C writes what has come and tells the trackers. When it is slow, the line below the progress says why.",
            "What is on disk is noted every few seconds in a hidden file there, .<info-hash>.weir, so that the next start reads no data; it goes when the download is done. A full or read-only disk interrupts the download until it can be written again.",
        ],
        options: TransferOption.all + [
            .value("select", nil, "NUMBERS", "Only these files, as 0,3-5 (see weir show)"),
            .value("first", nil, "NUMBERS", "These files before the others"),
            .flag("preallocate", nil, "Take the disk's space for all of it at once"),
            .value("seed-ratio", nil, "RATIO", "Go on seeding until so much is uploaded"),
            .flag("sequential", nil, "In order, for watching while it comes"),
        ],
        arguments: [ArgumentSpec("TORRENT", "A .torrent file, its web address, or a magnet link")],
        examples: [
            CommandExample("weir get debian.torrent --dir ~/Downloads", "Fetch a torrent"),
            CommandExample("weir get debian.torrent --dir . --down 10M --up 2M", "And leave room for others"),
            CommandExample(
                "weir get a.torrent --dir . --config weir.yaml",
                "Under its tracker's max_upload_speed; other keys of the file are for `weir serve`"),
        ])
) { invocation throws(ServiceFailure) in
    let line = TransferLine(invocation)
    let source = try line.source(of: try line.argument())
    let settings = try line.settings()
    var options = try line.options()
    options.selectedFiles = try line.files("select") ?? source.selectedFiles
    for file in try line.files("first")?.flatMap(\.self) ?? [] { options.wishes.files[file] = .highest }
    options.wishes.isSequential = invocation.parsed.has("sequential")
    options.reservesSpace = invocation.parsed.has("preallocate")
    let ratio = try line.ratio()
    let output = line.output(.get)
    let session = try TransferSession(
        settings, output: output, endsWhenFinished: true, seedRatio: ratio,
        caps: try line.capChoice(), controlFolders: line.controlFolders)
    try session.keepNotes(of: source.id, in: options.directory)
    return try session.run([(source, options)])
}

let seedCommand = Command(
    spec: CommandSpec(
        "seed", "Upload torrents whose data is there",
        details: [
            "Takes the data below --dir as complete, and proves each piece when a peer first asks for it; --check hashes everything first, --trust nothing. Prints READY when all torrents seed, and goes on until it is told to stop.",
            "--session keeps the torrents, what was proved of them and their totals in a folder; the next start with the same folder seeds all of them, and needs no TORRENT.",
        ],
        options: TransferOption.all + [
            .flag("check", nil, "Hash everything before seeding"),
            .flag("trust", nil, "Hash nothing at all: the data is known to be right"),
            .value(
                "session", nil, "FOLDER", "Where to keep the session for the next start", completion: .files),
        ],
        arguments: [
            ArgumentSpec(
                "TORRENT", "A .torrent file, or a folder of them; with --session none is needed",
                isOptional: true)
        ],
        examples: [
            CommandExample("weir seed torrents/ --dir /srv/data --up 2M", "Seed a folder of torrents"),
            CommandExample("weir seed --session ~/.local/state/weir", "Seed what an earlier session had"),
        ]
    )
) { invocation throws(ServiceFailure) in
    let line = TransferLine(invocation)
    let session = invocation.parsed.value("session")
    let path = session == nil ? try line.argument() : invocation.parsed.arguments.first
    let folder = try path.flatMap { path throws(ServiceFailure) in try TorrentFolder(path) }
    var torrents: [(source: TorrentSource, options: AddOptions)] = []
    var options = try line.options()
    options.knowledge =
        invocation.parsed.has("check") ? .check : invocation.parsed.has("trust") ? .trusted : .complete
    options.distrustsRecord = invocation.parsed.has("check")
    let transfer = try TransferSession(
        try line.settings(), output: line.output(.seed), endsWhenFinished: false, seedRatio: nil,
        caps: try line.capChoice(), controlFolders: line.controlFolders)
    if let session {
        // A session outlives the folder that it was started in.
        options.directory = try absolutePath(options.directory)
        try transfer.keepSession(in: session)
    }
    if let path, folder == nil {
        var options = options
        options.place = MetainfoPlace(file: path)
        torrents.append((try line.source(of: path), options))
    }
    return try transfer.run(
        torrents, from: folder.map { ($0, options) }, restoring: session == nil ? nil : options)
}
