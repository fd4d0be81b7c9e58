import Foundation
import Testing

/// The arrows of `Documentation/Architecture.md`: what each module may import.
private let allowedImports: [String: Set<String>] = [
    // Words.
    "SwarmTypes": [],
    "SpellingHints": [],
    "ByteCoding": [],
    // Formats and protocols.
    "JSONScanning": [],
    "JSONValues": ["SwarmTypes"],
    "BencodeCoding": ["ByteCoding"],
    "MetainfoCoding": ["ByteCoding", "SwarmTypes", "BencodeCoding"],
    "PeerProtocol": ["ByteCoding", "SwarmTypes", "BencodeCoding"],
    "TrackerProtocol": ["ByteCoding", "SwarmTypes", "BencodeCoding"],
    // Decisions.
    "PieceSelection": ["SwarmTypes"],
    "PeerPolicy": ["SwarmTypes"],
    "RateControl": ["SwarmTypes"],
    "StallDiagnosis": ["SwarmTypes"],
    "SwarmCore": [
        "SwarmTypes", "PeerProtocol", "TrackerProtocol", "PieceSelection", "PeerPolicy", "RateControl",
        "StallDiagnosis",
    ],
    "LimitPlanning": ["SwarmTypes"],
    "LibraryPolicy": ["SwarmTypes"],
    "NoticePolicy": ["JSONValues", "SwarmTypes"],
    // Machine access.
    "EventIO": ["SwarmTypes", "CLinuxIO", "Glibc", "Synchronization"],
    "HTTPServing": ["EventIO", "SwarmTypes", "CMicrohttpd", "CLinuxIO", "Glibc", "Synchronization"],
    "HTTPFetching": ["EventIO", "SwarmTypes", "CCurl", "CLinuxIO", "Glibc", "Synchronization"],
    "PatternMatching": ["CPCRE2"],
    "Digests": ["COpenSSL", "CSHA1Lanes"],
    "SQLiteStore": ["CSQLite", "Glibc"],
    "ConfigFile": ["CYAML", "Glibc", "SpellingHints"],
    "LogOutput": ["CLinuxIO", "Glibc", "EventIO", "Synchronization"],
    "PortMapping": ["EventIO", "SwarmTypes", "CMiniUPnPc", "CNATPMP", "Glibc"],
    "TorrentStorage": [
        "SwarmTypes", "MetainfoCoding", "Digests", "SQLiteStore", "EventIO", "CLinuxIO", "Glibc",
        "Synchronization",
    ],
    "TorrentCreation": [
        "SwarmTypes", "MetainfoCoding", "BencodeCoding", "Digests", "EventIO", "CLinuxIO", "Glibc",
        "Synchronization",
    ],
    // Applications.
    "TrackerClient": [
        "SwarmTypes", "TrackerProtocol", "EventIO", "HTTPFetching", "CLinuxIO", "Glibc", "Synchronization",
    ],
    "TorrentEngine": [
        "SwarmTypes", "ByteCoding", "BencodeCoding", "MetainfoCoding", "PeerProtocol", "TrackerProtocol",
        "SwarmCore", "PieceSelection", "PeerPolicy", "RateControl", "StallDiagnosis", "TorrentStorage",
        "TrackerClient", "PortMapping",
        "Digests", "EventIO", "HTTPFetching", "CLinuxIO", "Glibc", "Synchronization",
    ],
    "AccessControl": ["CArgon2", "SwarmTypes", "Digests", "SQLiteStore", "EventIO"],
    "TorrentCatalog": ["SwarmTypes", "StallDiagnosis", "EventIO"],
    "TorrentLibrary": [
        "SwarmTypes", "TorrentCatalog", "LibraryPolicy", "TorrentEngine", "TorrentStorage", "TrackerClient",
        "TrackerProtocol",
        "MetainfoCoding", "BencodeCoding", "SQLiteStore", "StallDiagnosis", "EventIO", "HTTPFetching",
        "Glibc",
        "CLinuxIO",
    ],
    "QBittorrentAPI": ["SwarmTypes", "JSONScanning", "HTTPFetching"],
    "ChangeJournal": ["SwarmTypes", "SQLiteStore"],
    "DatabaseBackups": ["SQLiteStore", "Digests", "JSONValues", "Glibc"],
    "UploadGovernor": ["SwarmTypes", "LimitPlanning"],
    // Surfaces.
    "ControlAPI": [
        "SwarmTypes", "JSONValues", "LimitPlanning", "StallDiagnosis", "Digests", "EventIO", "HTTPServing",
        "TorrentCatalog", "AccessControl",
    ],
    "Dashboard": ["CDashboardFiles", "Digests"],
    "QBittorrentFacade": [
        "SwarmTypes", "StallDiagnosis", "TorrentCatalog", "JSONValues", "HTTPServing", "EventIO",
    ],
    "CommandLineParsing": ["SpellingHints"],
    "WeirSettings": [
        "ConfigFile", "PatternMatching", "LimitPlanning", "NoticePolicy", "SwarmTypes", "Glibc",
    ],
    "WeirCommands": [
        "CommandLineParsing", "ConfigFile", "PatternMatching", "ServiceAssembly", "WeirSettings",
        "LimitPlanning",
        "SwarmTypes", "JSONValues", "Glibc", "BencodeCoding", "MetainfoCoding", "TrackerProtocol",
        "TorrentCreation",
        "TorrentStorage", "TorrentEngine", "StallDiagnosis", "RateControl", "EventIO", "LogOutput",
        "TrackerClient", "TrackerProtocol", "DatabaseBackups", "AccessControl",
    ],
    // Assembly.
    "ServiceAssembly": [
        "SwarmTypes", "LimitPlanning", "EventIO", "HTTPServing", "HTTPFetching", "PatternMatching", "Digests",
        "LogOutput", "QBittorrentAPI", "ChangeJournal", "SQLiteStore", "UploadGovernor", "ControlAPI",
        "WeirSettings", "ConfigFile", "JSONValues", "Glibc", "Synchronization", "TorrentCatalog",
        "TorrentEngine",
        "TorrentLibrary", "LibraryPolicy", "TorrentStorage", "QBittorrentFacade", "TrackerClient",
        "AccessControl", "DatabaseBackups", "NoticePolicy", "StallDiagnosis",
        "Dashboard",
    ],
    "weir": ["WeirCommands"],
]

/// No clock, no chance, no machine, no waiting: time and randomness come in as arguments.
private let pureModules: Set<String> = [
    "SwarmTypes", "SpellingHints", "JSONScanning", "JSONValues", "LimitPlanning",
    "ByteCoding", "BencodeCoding", "MetainfoCoding", "PeerProtocol", "TrackerProtocol", "PieceSelection",
    "PeerPolicy", "RateControl", "StallDiagnosis", "SwarmCore", "LibraryPolicy", "NoticePolicy",
]

/// The C library of each module that owns one.
private let owners: [String: String] = [
    "CArgon2": "AccessControl", "CCurl": "HTTPFetching", "CMicrohttpd": "HTTPServing",
    "CPCRE2": "PatternMatching",
    "CSQLite": "SQLiteStore",
    "CMiniUPnPc": "PortMapping", "CNATPMP": "PortMapping",
    "CYAML": "ConfigFile", "COpenSSL": "Digests", "CSHA1Lanes": "Digests",
    "CDashboardFiles": "Dashboard",
]

@Suite("The layers")
struct LayerTests {
    @Test("Every module imports only what its layer allows")
    func imports() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            let allowed = try #require(allowedImports[file.module], "\(file.module) is missing in the table")
            for name in file.imports {
                #expect(allowed.contains(name), "\(file.path) imports \(name)")
            }
        }
    }

    @Test("Foundation, also its essentials, is imported nowhere: it would double the program")
    func foundation() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            #expect(!file.imports.contains { $0.hasPrefix("Foundation") }, "\(file.path)")
        }
    }

    @Test("A C library has one owner")
    func libraries() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for name in file.imports {
                guard let owner = owners[name] else { continue }
                #expect(owner == file.module, "\(file.path) imports \(name)")
            }
        }
    }

    @Test("Pure modules hold no clock, no global chance, no lock and no suspension")
    func purity() throws {
        let forbidden = [
            "async", "await", "Task", "Task {", "Mutex", "Clock()", "Date()", "SystemRandomNumberGenerator",
            "print(",
            "nonisolated(unsafe)",
        ]
        for file in try SourceTree.swiftFiles(below: "Sources") where pureModules.contains(file.module) {
            for (number, line) in file.lines.enumerated() {
                guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { continue }
                let words = Set(line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
                for text in forbidden {
                    let isThere = text.allSatisfy(\.isLetter) ? words.contains(text) : line.contains(text)
                    #expect(!isThere, "\(file.path):\(number + 1) has \(text)")
                }
                #expect(
                    !line.contains(".random(in:") || line.contains("using:"),
                    "\(file.path):\(number + 1) takes chance from the air")
            }
        }
    }

    @Test("Files stay below 500 lines, and only named ones pass 300")
    func sizes() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") + SourceTree.swiftFiles(below: "Tests") {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("Every unchecked promise to the compiler is followed or preceded by its proof")
    func uncheckedPromises() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() {
                guard line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else {
                    continue
                }
                guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { continue }
                let before = file.lines[max(0, number - 12)..<number]
                #expect(
                    before.contains { $0.drop(while: { $0 == " " }).hasPrefix("//") },
                    "\(file.path):\(number + 1) gives no proof")
            }
        }
    }

    @Test(
        "No bare closure lies behind a lock: each access would wrap it once more, until a call runs out of stack"
    )
    func closuresBehindLocks() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() {
                #expect(!(line.contains("Lock<(") && line.contains("->")), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("Every folder with sources or tests belongs to the package")
    func targets() throws {
        let manifest = try String(
            contentsOf: SourceTree.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        for folder in ["Sources", "Tests"] {
            // What `Tests/Support` holds is named by path.
            for module in Set(try SourceTree.swiftFiles(below: folder).map(\.module))
            where module != "Support" {
                #expect(manifest.contains("\"\(module)\""), "\(folder)/\(module) is never built")
            }
        }
    }

    @Test("Nothing committed names a folder of the machine that built it")
    func paths() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for line in file.lines {
                #expect(!line.contains("/work/") && !line.contains("/root/"), "\(file.path): \(line)")
            }
        }
    }
}
