import Glibc

/// Why a torrent's files could not be opened, read or written, told by what the owner can do about it.
public struct StorageFailure: Error, Hashable, Sendable {
    public enum Operation: String, Hashable, Sendable {
        case makeDirectory, open, read, write, allocate, sync, stat, remove, rename, link
    }

    public enum Reason: Hashable, Sendable {
        /// The disk is full.
        case full
        case overQuota
        /// A read-only file system, or no permission to write.
        case readOnly
        /// No permission to read.
        case notPermitted
        /// The process or the system has no descriptor left, also after closing those that could be.
        case tooManyOpenFiles
        case missing
        /// The file is shorter than the torrent says, though its bytes were there before.
        case fileChanged
        /// A symbolic link leads out of the download directory.
        case escapesDirectory
        /// Something other than a file or a directory lies there.
        case notAFile
        /// A file of that name is in the place where one is to be moved.
        case alreadyThere
        case nameTooLong
        /// The device failed.
        case deviceFailure
        /// The file system allows no file of that size.
        case fileTooLarge
        /// The torrent's storage was stopped meanwhile.
        case stopped
        /// The system's cryptographic library refused to work.
        case noDigest
        case other(code: Int32)
    }

    public var operation: Operation
    /// Of the file, with the download directory; empty when there is none.
    public var path: String
    public var reason: Reason

    public init(_ operation: Operation, _ reason: Reason, path: String) {
        self.operation = operation
        self.reason = reason
        self.path = path
    }

    init(_ operation: Operation, code: Int32, path: String) {
        let reason: Reason =
            switch code {
            case ENOSPC: .full
            case EDQUOT: .overQuota
            case EROFS: .readOnly
            case EACCES, EPERM: operation == .read || operation == .stat ? .notPermitted : .readOnly
            case EMFILE, ENFILE: .tooManyOpenFiles
            case ENOENT: .missing
            case EXDEV, ELOOP: .escapesDirectory
            case ENOTDIR, EISDIR, ENXIO, EEXIST: .notAFile
            case ENAMETOOLONG: .nameTooLong
            case EIO, ENODEV: .deviceFailure
            case EFBIG: .fileTooLarge
            default: .other(code: code)
            }
        self.init(operation, reason, path: path)
    }

    /// A stable name for surfaces and logs.
    public var code: String {
        switch self.reason {
        case .full: "disk_full"
        case .overQuota: "disk_quota"
        case .readOnly: "disk_read_only"
        case .notPermitted: "disk_not_permitted"
        case .tooManyOpenFiles: "disk_too_many_open_files"
        case .missing: "disk_file_missing"
        case .fileChanged: "disk_file_changed"
        case .escapesDirectory: "disk_link_escapes"
        case .notAFile: "disk_not_a_file"
        case .alreadyThere: "disk_file_exists"
        case .nameTooLong: "disk_name_too_long"
        case .deviceFailure: "disk_device_failure"
        case .fileTooLarge: "disk_file_too_large"
        case .stopped: "disk_stopped"
        case .noDigest: "disk_no_digest"
        case .other: "disk_error"
        }
    }
}

/// What happened, and what to do about it.
extension StorageFailure: CustomStringConvertible {
    public var description: String { "cannot \(self.verb) \(self.path): \(self.explanation)" }

    private var verb: String {
        switch self.operation {
        case .makeDirectory: "make the directory"
        case .open: "open"
        case .read: "read"
        case .write: "write"
        case .allocate: "reserve space for"
        case .sync: "bring to disk"
        case .stat: "look at"
        case .remove: "remove"
        case .rename: "move"
        case .link: "make the symbolic link"
        }
    }

    private var explanation: String {
        switch self.reason {
        case .full: "no space is left on the disk. Free some, then resume the torrent."
        case .overQuota: "the disk quota is used up. Free some space, then resume the torrent."
        case .readOnly: "it may not be written. Check the permissions of the file and its directory."
        case .notPermitted: "it may not be read. Check the permissions of the file and its directory."
        case .tooManyOpenFiles: "no file descriptor is left. Raise the limit of open files (LimitNOFILE=)."
        case .missing: "it does not exist. Was it moved or removed, or is its disk not mounted?"
        case .fileChanged: "it was changed or cut short. Check the torrent's files to find what is left."
        case .escapesDirectory: "a symbolic link leads out of the download directory. Remove the link."
        case .notAFile: "something else than a file lies in its place. Move that away."
        case .alreadyThere: "another file of that name is there. Move that away."
        case .nameTooLong: "the file system allows no name of that length. Choose a shorter directory."
        case .deviceFailure: "the device failed. Look into the kernel's log; the disk may be dying."
        case .fileTooLarge: "the file system allows no file of that size."
        case .stopped: "the torrent was stopped."
        case .noDigest: "the system's cryptographic library offers no SHA-1."
        case .other(let code): "\(String(cString: strerror(code))) (errno \(code))."
        }
    }
}
