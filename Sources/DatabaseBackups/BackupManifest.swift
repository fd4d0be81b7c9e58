import JSONValues

/// What a backup says of itself, in `manifest.json`.
public struct BackupManifest: Hashable, Sendable {
    static let fileName = "manifest.json"
    static let format = "weir-backup"
    /// The only one so far; another one is refused.
    static let formatVersion: Int64 = 1
    static let maximumBytes = 64 << 10

    public struct Entry: Hashable, Sendable {
        /// "journal", "access" or "library".
        public var name: String
        public var schemaVersion: Int
        public var byteCount: Int64
        /// 64 hexadecimal digits.
        public var sha256: String

        /// Its name in the folder.
        public var file: String { self.name + ".db" }
    }

    public var weirVersion: String
    /// Seconds since 1970.
    public var createdAt: Int64
    public var databases: [Entry]

    init(weirVersion: String, createdAt: Int64) {
        self.weirVersion = weirVersion
        self.createdAt = createdAt
        self.databases = []
    }

    var bytes: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("format", Self.format)
            json.member("format_version", Self.formatVersion)
            json.member("weir_version", self.weirVersion)
            json.member("created_at", self.createdAt)
            json.member(
                "databases",
                array: { json in
                    for entry in self.databases {
                        json.object { json in
                            json.member("name", entry.name)
                            json.member("file", entry.file)
                            json.member("schema_version", entry.schemaVersion)
                            json.member("bytes", entry.byteCount)
                            json.member("sha256", entry.sha256)
                        }
                    }
                })
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Nil with the reason in `problem` for what is no manifest.
    init?(_ bytes: [UInt8], problem: inout String) {
        problem = "its manifest cannot be read"
        guard let value = try? JSONReader.read(bytes), value["format"]?.text == Self.format,
            let formatVersion = value["format_version"]?.integer
        else { return nil }
        guard formatVersion == Self.formatVersion else {
            problem = "it was made by a newer version of Weir (format \(formatVersion))"
            return nil
        }
        guard let version = value["weir_version"]?.text, let createdAt = value["created_at"]?.integer,
            let entries = value["databases"]?.elements, entries.count <= 16
        else { return nil }
        self.weirVersion = version
        self.createdAt = createdAt
        self.databases = []
        for entry in entries {
            guard let name = entry["name"]?.text, let bytes = entry["bytes"]?.integer, bytes > 0,
                let schema = entry["schema_version"]?.integer.flatMap({ Int(exactly: $0) }),
                let hash = entry["sha256"]?.text, hash.utf8.count == 64, Self.isName(name),
                entry["file"]?.text == name + ".db",
                !self.databases.contains(where: { $0.name == name })
            else { return nil }
            self.databases.append(Entry(name: name, schemaVersion: schema, byteCount: bytes, sha256: hash))
        }
    }

    /// Names become names of files: letters only.
    private static func isName(_ name: String) -> Bool {
        1...32 ~= name.utf8.count && name.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }
    }
}
