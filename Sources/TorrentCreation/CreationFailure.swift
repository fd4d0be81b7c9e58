import Glibc
public import MetainfoCoding

/// Why no torrent could be made of a path. Paths are as they can be opened.
public enum CreationFailure: Error, Hashable, Sendable {
    case unreadable(path: String, errno: Int32)
    /// A pipe, a socket, a device.
    case notAFile(path: String)
    /// A symbolic link leads back to a folder above it, or folders are more than 100 deep.
    case tooDeep(path: String)
    /// Torrents hold names in UTF-8 (BEP 3). The path is shown with what is not replaced.
    case nameNotUTF8(path: String)
    /// A file became longer, shorter or newer while it was read.
    case changed(path: String)
    case cannotBuild(TorrentBuildFailure)
    /// No thread, or no digest.
    case system(String)
    case cancelled
}

extension CreationFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let code): "\(path): \(String(cString: strerror(code)))"
        case .notAFile(let path): "\(path): it is neither a regular file nor a folder"
        case .tooDeep(let path):
            "\(path): folders are more than 100 deep, or a symbolic link leads back above itself"
        case .nameNotUTF8(let path): "\(path): the name is not UTF-8, which torrents require; rename it"
        case .changed(let path): "\(path): the file was changed while it was read"
        case .cannotBuild(let failure): failure.description
        case .system(let text): text
        case .cancelled: "cancelled"
        }
    }
}
