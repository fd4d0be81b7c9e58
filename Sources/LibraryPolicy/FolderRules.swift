/// The folder of a torrent that follows its category.
/// - Parameters:
///   - categoryFolder: of its category; empty, or nil without one, is the usual one. A relative one lies in the usual one.
public func managedFolder(categoryFolder: String?, usual: String) -> String {
    guard let folder = categoryFolder, !folder.isEmpty else { return usual }
    return folder.utf8.first == UInt8(ascii: "/") ? folder : joinedPath(usual, folder)
}

public func joinedPath(_ folder: String, _ name: String) -> String {
    folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
}

/// Why paths of a torrent cannot be changed so.
public enum RenameProblem: Error, Hashable, Sendable {
    case noSuchPath
    /// It leads out of the torrent's folder, or a part of it is no name.
    case unsafe
    /// Another file, or a folder of another, has that path.
    case taken
}

/// What renaming a file, or a folder with all that is in it, makes of a torrent's paths: the new ones by number, only of
/// files that change.
public func renamedPaths(
    _ paths: [String], from old: String, to new: String
) throws(RenameProblem) -> [Int: String] {
    guard isSafePath(new) else { throw .unsafe }
    var changes: [Int: String] = [:]
    for (number, path) in paths.enumerated() {
        if path == old {
            changes[number] = new
        } else if path.utf8.starts(with: (old + "/").utf8) {
            changes[number] = new + String(decoding: path.utf8.dropFirst(old.utf8.count), as: UTF8.self)
        }
    }
    guard !changes.isEmpty else { throw .noSuchPath }
    var files: Set<String> = []
    var folders: Set<String> = []
    for (number, path) in paths.enumerated() {
        let path = changes[number] ?? path
        guard files.insert(path).inserted else { throw .taken }
        var end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        while let slash = end {
            guard folders.insert(String(path[..<slash])).inserted else { break }
            end = path.utf8[..<slash].lastIndex(of: UInt8(ascii: "/"))
        }
    }
    guard files.isDisjoint(with: folders) else { throw .taken }
    return changes.filter { paths[$0.key] != $0.value }
}

/// Names with "/" between them, none of which is empty, `.`, `..`, too long for Linux, or holds a control character.
public func isSafePath(_ path: String) -> Bool {
    path.utf8.count <= 4000
        && path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
            name in
            !name.isEmpty && name.count <= 255 && !name.elementsEqual(".".utf8)
                && !name.elementsEqual("..".utf8) && !name.contains { $0 < 0x20 || $0 == 0x7F }
        }
}
