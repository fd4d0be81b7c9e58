/// Longer names are cut, where libtorrent cuts them, so that both find the same file; Linux allows 255.
let maximumComponentByteCount = 240

/// The component of a path that stands for a stranger's bytes: deterministic, and never one that leads out of a folder.
///
/// What is not UTF-8, an overlong form too, and control characters become `_`; separators of any system and characters
/// that change the direction of writing go. What is then empty, `.` or `..` becomes `_`. The rules are those of
/// libtorrent, so that files on a disk are found whichever client fetched them.
func safeComponent(_ bytes: some Collection<UInt8>) -> String {
    let text = cleaned(bytes)
    return text.isEmpty || text == "." || text == ".." ? "_" : shortened(text)
}

/// The same for a torrent's name; nil when nothing but dots is left of it.
func safeName(_ bytes: some Collection<UInt8>) -> String? {
    let text = cleaned(bytes)
    return text.isEmpty || text == "." || text == ".." ? nil : shortened(text)
}

private func cleaned(_ bytes: some Collection<UInt8>) -> String {
    // Nearly all names: printable ASCII without separators.
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }) {
        return String(decoding: bytes, as: UTF8.self)
    }
    let isValid = String(validating: bytes, as: UTF8.self) != nil
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        switch scalar.value {
        case 0, 0x2F, 0x5C, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: break
        case 0x01...0x1F, 0x7F...0x9F, 0x2028, 0x2029: text.append("_")
        case 0xFFFD where !isValid: text.append("_")
        default: text.append(scalar)
        }
    }
    return String(text)
}

/// Cuts behind the letter that reaches the limit, and keeps an extension of at most nine bytes that begins further on.
private func shortened(_ text: String) -> String {
    guard text.utf8.count > maximumComponentByteCount else { return text }
    let kept = prefix(of: text[...], reaching: maximumComponentByteCount)
    guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")), dot >= kept.endIndex,
        text.utf8.distance(from: dot, to: text.endIndex) <= 9
    else { return String(kept) }
    return String(kept) + text[dot...]
}

/// Whole letters, until there are so many bytes or a few more.
private func prefix(of text: Substring, reaching count: Int) -> Substring {
    var taken = 0
    for index in text.unicodeScalars.indices {
        if taken >= count { return text[..<index] }
        taken += UTF8.width(text.unicodeScalars[index])
    }
    return text
}

/// Gives each file of a torrent a path that no other has.
///
/// Paths are one where upper and lower case, or composed and decomposed letters, are one, because on some file
/// systems they are the same file. The first file keeps its path, the next becomes `name.1.ext`; a file whose path is
/// a folder of another gives way too.
struct PathRegistry {
    /// `String` compares by canonical equivalence (NFC and NFD are one).
    private var folders: Set<String> = []
    private var files: Set<String> = []
    /// For a path that was taken: the next number to try.
    private var nextNumber: [String: Int] = [:]
    private(set) var renamedCount = 0

    private static func folded(_ path: some StringProtocol) -> String { path.lowercased() }

    /// Of every file before `unique` is asked for any.
    mutating func noteFolders(above path: String) {
        var end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        while let slash = end {
            guard self.folders.insert(Self.folded(path[..<slash])).inserted else { return }
            end = path.utf8[..<slash].lastIndex(of: UInt8(ascii: "/"))
        }
    }

    mutating func unique(_ path: String) -> String {
        let base = Self.folded(path)
        if !self.folders.contains(base), self.files.insert(base).inserted { return path }
        self.renamedCount += 1
        let start = path.utf8.lastIndex(of: UInt8(ascii: "/")).map(path.utf8.index(after:)) ?? path.startIndex
        let dot = path.utf8[start...].lastIndex(of: UInt8(ascii: ".")) ?? path.endIndex
        while true {
            let number = self.nextNumber[base, default: 1]
            self.nextNumber[base] = number + 1
            let ending = ".\(number)\(path[dot...])"
            // Cut again where Linux could not take it: three bytes are a letter that reaches over the limit.
            let stem = prefix(of: path[start..<dot], reaching: 255 - 3 - ending.utf8.count)
            let candidate = "\(path[..<start])\(stem)\(ending)"
            let folded = Self.folded(candidate)
            if !self.folders.contains(folded), self.files.insert(folded).inserted { return candidate }
        }
    }
}
