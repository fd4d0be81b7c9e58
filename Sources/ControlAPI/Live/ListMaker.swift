import TorrentCatalog

/// Encodes the list of torrents away from the server's loop, and once for all who ask within seconds: their streams go on
/// from the revision that it names.
actor ListMaker {
    private static let lifetimeTicks = 5

    private let run: UInt64
    private var made: (revision: UInt64, ticks: Int, bytes: [UInt8])?

    init(run: UInt64) { self.run = run }

    func tick() {
        self.made?.ticks += 1
        if let made, made.ticks > Self.lifetimeTicks { self.made = nil }
    }

    func list(of mirror: CatalogMirror, notBefore floor: UInt64) -> [UInt8] {
        if let made, made.ticks < 2, made.revision >= floor { return made.bytes }
        let state = mirror.state
        if let made, made.revision == state.revision { return made.bytes }
        let bytes = torrentList(state, run: self.run)
        self.made = (state.revision, 0, bytes)
        return bytes
    }
}
