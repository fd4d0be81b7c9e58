import MetainfoCoding
import SwarmTypes
import TorrentStorage

extension Metainfo {
    /// The files with these numbers; those that do not exist are left out.
    func files(numbered ranges: [ClosedRange<Int>]) -> Bitfield {
        var files = Bitfield(count: self.files.count)
        for range in ranges where range.lowerBound < self.files.count {
            for file in max(0, range.lowerBound)...min(range.upperBound, self.files.count - 1) {
                files.set(file)
            }
        }
        return files
    }
}

extension TorrentSource {
    var announcement: (Announcement, isPrivate: Bool) {
        switch self {
        case .metainfo(let metainfo): (metainfo.announcement, metainfo.isPrivate)
        case .magnet(let link): (link.announcement, false)
        }
    }

    var name: String {
        switch self {
        case .metainfo(let metainfo): metainfo.name
        case .magnet(let link): link.displayName ?? link.id.hex
        }
    }

    /// The files that a magnet link asks for; nil for all.
    public var selectedFiles: [ClosedRange<Int>]? {
        guard case .magnet(let link) = self else { return nil }
        return link.selectedFiles
    }
}
