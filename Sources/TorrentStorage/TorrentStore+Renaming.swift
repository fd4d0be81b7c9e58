import CLinuxIO
import Glibc
import SwarmTypes

extension TorrentStore {
    /// Gives each file the path that it has in `layout`, a layout of the same files. Nothing that lies there already is
    /// touched: then it fails, and what was done before is undone. Empty folders that are left over go.
    ///
    /// Of a store that nobody writes to; it is of no use afterwards.
    public func renameFiles(
        to layout: TorrentLayout, completion: @escaping (Result<Void, StorageFailure>) -> Void
    ) {
        precondition(layout.fileCount == self.layout.fileCount, "a layout of other files")
        let files = self.files
        self.perform { _ in
            capturing { () throws(StorageFailure) in try files.rename(to: layout) }
        } _: {
            completion($0)
        }
    }
}

extension FileSet {
    func rename(to layout: TorrentLayout) throws(StorageFailure) {
        let root: Descriptor
        do {
            root = try self.root()
        } catch {
            // Nothing is there yet.
            if error.reason == .missing { return }
            throw error
        }
        defer { self.closeAll() }
        var done: [(from: String, to: String)] = []
        for file in 0..<layout.fileCount where !layout.isPad(file) {
            let (old, new) = (self.layout.path(ofFile: file), layout.path(ofFile: file))
            guard old != new else { continue }
            do throws(StorageFailure) {
                if try self.rename(old, to: new, root.number) { done.append((old, new)) }
            } catch {
                for (old, new) in done.reversed() { _ = try? self.rename(new, to: old, root.number) }
                throw error
            }
        }
        self.removeEmptyFolders(above: done.map(\.from), root.number)
    }

    /// Answers false when there is no such file.
    private func rename(_ old: String, to new: String, _ root: Int32) throws(StorageFailure) -> Bool {
        let existing = Beneath.open(root, new, WEIR_O_PATH)
        guard existing < 0 else {
            close(existing)
            throw StorageFailure(.open, .notAFile, path: self.directoryPath + "/" + new)
        }
        guard Beneath.makeParents(of: new, root) == 0 else {
            throw StorageFailure(.makeDirectory, code: errno, path: self.directoryPath + "/" + new)
        }
        let result = Beneath.inParent(of: old, root) { oldParent, oldName in
            Beneath.inParent(of: new, root) { newParent, newName in
                renameat(oldParent, oldName, newParent, newName)
            }
        }
        guard result != 0 else { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw StorageFailure(.open, code: errno, path: self.directoryPath + "/" + old)
    }

    private func removeEmptyFolders(above paths: [String], _ root: Int32) {
        for path in paths {
            var path = path
            while let slash = path.lastSlash {
                path = String(path[..<slash])
                guard Beneath.inParent(of: path, root, { unlinkat($0, $1, AT_REMOVEDIR) }) == 0 else { break }
            }
        }
    }
}
