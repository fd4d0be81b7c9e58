import Glibc
import JSONValues
public import SwarmTypes

/// Where the sessions of this user open their sockets: the first folder that can be used is taken, all are looked
/// through.
public func controlFolders(_ environment: [String: String]) -> [String] {
    var folders: [String] = []
    // What systemd has made for a service, several with colons between them.
    if let given = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first, given.hasPrefix("/") {
        folders.append(String(given))
    }
    // Anything but an absolute path is to be ignored (XDG Base Directory Specification).
    if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") {
        folders.append(runtime + "/weir")
    }
    return folders + ["/tmp/weir-\(geteuid())"]
}

/// The same, and the folder of the system's service, which is reached by whom it runs as.
public func askedFolders(_ environment: [String: String]) -> [String] {
    let folders = controlFolders(environment)
    let service = "/run/weir"
    return folders.contains(service) ? folders : folders + [service]
}

/// What `weir why` asks a session: one line of JSON.
public struct WhyRequest: Hashable, Sendable {
    public static let version: Int64 = 1

    public enum Selection: Hashable, Sendable {
        case all
        case id(TorrentID)
        /// The beginning of an info-hash, or a part of a name in any case of letter.
        case text(String)
    }

    public var selection: Selection
    /// The report as a tree, for programs, instead of lines for people.
    public var wantsTree: Bool

    public init(_ selection: Selection, wantsTree: Bool) {
        self.selection = selection
        self.wantsTree = wantsTree
    }

    /// Nil for anything that is no request, also of a later version.
    public init?(_ line: String) {
        guard let value = try? JSONReader.read(Array(line.utf8), maximumDepth: 2),
            value["version"]?.integer == Self.version, value["command"]?.text == "why"
        else { return nil }
        self.wantsTree = value["tree"]?.boolean ?? false
        if let hex = value["id"]?.text {
            guard let id = TorrentID(hex: hex) else { return nil }
            self.selection = .id(id)
        } else if let text = value["text"]?.text {
            self.selection = .text(text)
        } else {
            self.selection = .all
        }
    }

    public var line: String {
        var json = JSONWriter()
        json.object { json in
            json.member("version", Self.version)
            json.member("command", "why")
            json.member("tree", self.wantsTree)
            switch self.selection {
            case .all: break
            case .id(let id): json.member("id", id.hex)
            case .text(let text): json.member("text", text)
            }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    public func matches(_ id: TorrentID, name: String) -> Bool {
        switch self.selection {
        case .all: true
        case .id(let wanted): wanted == id
        case .text(let text):
            id.hex.hasPrefix(text.lowercased()) || name.lowercased().holds(text.lowercased())
        }
    }
}
