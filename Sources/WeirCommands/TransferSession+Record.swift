import EventIO
import Glibc
import ServiceAssembly
import SwarmTypes
import TorrentEngine
import TorrentStorage

/// What a session leaves for its next start.
extension TransferSession {
    /// Keeps a download's notes beside its data, in a hidden file of its own. What cannot be kept is said, and does not
    /// hinder the download: the next start hashes what is there then.
    func keepNotes(of torrent: TorrentID, in directory: String) throws(ServiceFailure) {
        makeFolder(directory)
        let path = directory + "/.\(torrent.hex).weir"
        self.notesPath = path
        var words = ""
        for isFirst in [true, false] {
            do throws(ResumeFailure) {
                self.keeper = try ResumeKeeper(path: path)
                return
            } catch {
                if case .inUse(let process) = error.kind {
                    let who = process.map { "process \($0)" } ?? "another process"
                    throw .busy("\(who) is downloading this torrent into \(plain(directory)) already")
                }
                words = error.description
                guard isFirst, error.kind == .damaged, setAside(path) else { break }
                self.say(
                    "the notes of the last download, \(plain(path)), are damaged (\(plain(error.code))): they are set aside as \(plain(path)).damaged, and what is there is hashed instead"
                )
            }
        }
        self.notesPath = nil
        self.say("no notes for a fast resume: \(plain(words))")
    }

    /// Keeps a session in a folder, for itself alone.
    func keepSession(in folder: String) throws(ServiceFailure) {
        do throws(ResumeFailure) {
            self.keeper = try ResumeKeeper(path: sessionDatabase(in: folder))
        } catch {
            if case .inUse(let process) = error.kind {
                let who = process.map { "process \($0)" } ?? "another process"
                throw .busy(
                    "\(who) is using the session in \(plain(folder)): stop it first, or name another folder")
            }
            throw error.kind == .damaged ? .badInput(error.description) : .system(error.description)
        }
    }

    /// Once nothing is left to resume.
    func forgetDamagedNotes() {
        if let path = self.notesPath { unlink(path + ".damaged") }
    }
}

/// With all folders on the way; as far as that is possible.
private func makeFolder(_ path: String) {
    var end = path.startIndex
    while end < path.endIndex {
        end = path.utf8[path.utf8.index(after: end)...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        mkdir(String(path[..<end]), 0o777)
    }
}

/// The log of the database is of no use without it, and would be taken for that of the next one.
private func setAside(_ path: String) -> Bool {
    guard rename(path, path + ".damaged") == 0 else { return false }
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    return true
}

/// Of a folder, which need not exist.
func absolutePath(_ path: String) throws(ServiceFailure) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let folder = getcwd(nil, 0) else { throw .system("the working directory is gone") }
    defer { free(folder) }
    return String(cString: folder) + (path == "." ? "" : "/" + path)
}
