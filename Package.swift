// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target: Swift 6 language mode and no warnings.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// The pure layers (words, protocols, decisions): an unsafe pointer there is a build error.
let pure: [SwiftSetting] = strict + [.strictMemorySafety()]

/// What is shipped does not use the standard library's patterns (`contains` and `replacing` with texts): one use links
/// all of them, more than 1.2 MB. SwarmTypes has `holds`. A section a function lets the linker leave out what nobody
/// calls.
let small: [SwiftSetting] = [
    .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
    .unsafeFlags(["-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

/// The toolchain's own linker; no symbol is exported, else nothing of ours could be left out; relocations are packed
/// (glibc from 2.36 on).
let smallProgram: LinkerSetting = .unsafeFlags(
    ["-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"],
    .when(configuration: .release))

func module(_ name: String, _ settings: [SwiftSetting], uses: [String] = []) -> Target {
    .target(
        name: name, dependencies: uses.map { .init(stringLiteral: $0) },
        swiftSettings: settings + small)
}

func tests(_ name: String, uses: [String], path: String? = nil, exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: uses.map { .init(stringLiteral: $0) }, path: path, exclude: exclude,
        swiftSettings: strict)
}

func library(_ name: String, _ pkgConfig: String?, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
    name: "Weir",
    products: [.executable(name: "weir", targets: ["weir"])],
    targets: [
        // C libraries, each imported by the one module that owns it.
        .target(name: "CLinuxIO"),
        .target(name: "CSHA1Lanes"),
        library("CArgon2", "libargon2", "libargon2-dev"),
        .target(name: "CDashboardFiles"),
        library("CCurl", "libcurl", "libcurl4-openssl-dev"),
        library("CMiniUPnPc", "miniupnpc", "libminiupnpc-dev"),
        library("CNATPMP", nil, "libnatpmp-dev"),
        library("CMicrohttpd", "libmicrohttpd", "libmicrohttpd-dev"),
        library("CPCRE2", "libpcre2-8", "libpcre2-dev"),
        library("CSQLite", "sqlite3", "libsqlite3-dev"),
        library("COpenSSL", "openssl", "libssl-dev"),
        library("CYAML", "yaml-0.1", "libyaml-dev"),

        // Words.
        module("SwarmTypes", pure),
        module("SpellingHints", pure),
        module("ByteCoding", pure),

        // Formats and protocols: bytes in, values out.
        module("JSONScanning", pure),
        module("JSONValues", pure, uses: ["SwarmTypes"]),

        module("BencodeCoding", pure, uses: ["ByteCoding"]),
        module("MetainfoCoding", pure, uses: ["ByteCoding", "SwarmTypes", "BencodeCoding"]),
        module("PeerProtocol", pure, uses: ["ByteCoding", "SwarmTypes", "BencodeCoding"]),
        module("TrackerProtocol", pure, uses: ["ByteCoding", "SwarmTypes", "BencodeCoding"]),

        // Decisions: values in, values out.
        module("PieceSelection", pure, uses: ["SwarmTypes"]),
        module("PeerPolicy", pure, uses: ["SwarmTypes"]),
        module("RateControl", pure, uses: ["SwarmTypes"]),
        module("StallDiagnosis", pure, uses: ["SwarmTypes"]),
        module(
            "SwarmCore", pure,
            uses: [
                "SwarmTypes", "PeerProtocol", "TrackerProtocol", "PieceSelection", "PeerPolicy",
                "RateControl", "StallDiagnosis",
            ]),
        module("LimitPlanning", pure, uses: ["SwarmTypes"]),
        module("LibraryPolicy", pure, uses: ["SwarmTypes"]),
        module("NoticePolicy", pure, uses: ["JSONValues", "SwarmTypes"]),

        // Machine access.
        module("EventIO", strict, uses: ["CLinuxIO", "SwarmTypes"]),
        module("HTTPServing", strict, uses: ["CMicrohttpd", "EventIO", "SwarmTypes"]),
        module("HTTPFetching", strict, uses: ["CCurl", "EventIO", "SwarmTypes"]),
        module("PatternMatching", strict, uses: ["CPCRE2"]),
        module("Digests", strict, uses: ["COpenSSL", "CSHA1Lanes"]),
        module("SQLiteStore", strict, uses: ["CSQLite"]),
        module("ConfigFile", strict, uses: ["CYAML", "SpellingHints"]),
        module("LogOutput", strict, uses: ["EventIO"]),
        module("PortMapping", strict, uses: ["CMiniUPnPc", "CNATPMP", "EventIO", "SwarmTypes"]),

        module(
            "TorrentStorage", strict,
            uses: ["SwarmTypes", "MetainfoCoding", "Digests", "SQLiteStore", "EventIO", "CLinuxIO"]),
        module(
            "TorrentCreation", strict,
            uses: ["SwarmTypes", "MetainfoCoding", "BencodeCoding", "Digests", "EventIO", "CLinuxIO"]),

        // Applications.
        module(
            "TrackerClient", strict,
            uses: ["SwarmTypes", "TrackerProtocol", "EventIO", "HTTPFetching", "CLinuxIO"]),
        module(
            "TorrentEngine", strict,
            uses: [
                "SwarmTypes", "ByteCoding", "BencodeCoding", "MetainfoCoding", "PeerProtocol",
                "TrackerProtocol",
                "SwarmCore", "PieceSelection", "PeerPolicy", "RateControl", "StallDiagnosis",
                "TorrentStorage", "TrackerClient", "PortMapping", "Digests",
                "EventIO", "HTTPFetching", "CLinuxIO",
            ]),
        module(
            "AccessControl", strict, uses: ["CArgon2", "SwarmTypes", "Digests", "SQLiteStore", "EventIO"]),
        module("TorrentCatalog", strict, uses: ["SwarmTypes", "StallDiagnosis", "EventIO"]),
        module(
            "TorrentLibrary", strict,
            uses: [
                "SwarmTypes", "TorrentCatalog", "LibraryPolicy", "TorrentEngine", "TorrentStorage",
                "TrackerClient",
                "TrackerProtocol", "MetainfoCoding", "BencodeCoding", "SQLiteStore", "StallDiagnosis",
                "EventIO", "HTTPFetching", "CLinuxIO",
            ]),
        module("QBittorrentAPI", strict, uses: ["SwarmTypes", "JSONScanning", "HTTPFetching"]),
        module("ChangeJournal", strict, uses: ["SwarmTypes", "SQLiteStore"]),
        module("DatabaseBackups", strict, uses: ["SQLiteStore", "Digests", "JSONValues"]),
        module("UploadGovernor", strict, uses: ["SwarmTypes", "LimitPlanning"]),

        // Surfaces.
        module(
            "ControlAPI", strict,
            uses: [
                "SwarmTypes", "JSONValues", "LimitPlanning", "StallDiagnosis", "Digests", "EventIO",
                "HTTPServing", "AccessControl",
                "TorrentCatalog",
            ]),
        .target(
            name: "Dashboard", dependencies: ["CDashboardFiles", "Digests"], exclude: ["Web"],
            swiftSettings: strict),
        module(
            "QBittorrentFacade", strict,
            uses: ["SwarmTypes", "StallDiagnosis", "TorrentCatalog", "JSONValues", "HTTPServing", "EventIO"]),
        module("CommandLineParsing", strict, uses: ["SpellingHints"]),
        module(
            "WeirSettings", strict,
            uses: ["ConfigFile", "LimitPlanning", "NoticePolicy", "PatternMatching", "SwarmTypes"]),
        module(
            "WeirCommands", strict,
            uses: [
                "CommandLineParsing", "ConfigFile", "JSONValues", "PatternMatching", "ServiceAssembly",
                "WeirSettings",
                "LimitPlanning",
                "SwarmTypes",
                "BencodeCoding", "MetainfoCoding", "TorrentCreation", "TorrentStorage", "TorrentEngine",
                "StallDiagnosis", "RateControl", "EventIO", "LogOutput", "TrackerClient", "TrackerProtocol",
                "DatabaseBackups", "AccessControl",
            ]),

        // Assembly.
        module(
            "ServiceAssembly", strict,
            uses: [
                "SwarmTypes", "LimitPlanning", "EventIO", "HTTPServing", "HTTPFetching", "PatternMatching",
                "LogOutput", "QBittorrentAPI", "ChangeJournal", "UploadGovernor", "ControlAPI", "Dashboard",
                "WeirSettings",
                "Digests", "CLinuxIO", "TorrentCatalog", "TorrentEngine", "TorrentLibrary", "LibraryPolicy",
                "TorrentStorage",
                "QBittorrentFacade", "TrackerClient", "AccessControl", "DatabaseBackups", "SQLiteStore",
                "NoticePolicy", "StallDiagnosis", "JSONValues",
            ]),
        .executableTarget(
            name: "weir", dependencies: ["WeirCommands"], swiftSettings: strict + small,
            linkerSettings: [smallProgram]),

        // Tests.
        module(
            "SwarmSimulator", strict,
            uses: ["SwarmCore", "PeerProtocol", "PeerPolicy", "StallDiagnosis", "SwarmTypes", "TestKit"]
        ).at("Tests/Support/SwarmSimulator"),
        module("TestKit", strict, uses: ["SwarmTypes"]).at("Tests/Support/TestKit"),
        // The page over torrents that are made up, for its test in a browser.
        .executableTarget(
            name: "page-fixture",
            dependencies: [
                "AccessControl", "ControlAPI", "Dashboard", "EventIO", "HTTPServing", "JSONValues",
                "LimitPlanning",
                "StallDiagnosis",
                "SwarmTypes", "TestKit", "TorrentCatalog",
            ], path: "Tests/Support/PageFixture", swiftSettings: strict),
        tests("ArchitectureTests", uses: ["TestKit"]),
        tests("SpellingHintsTests", uses: ["SpellingHints"]),
        tests("SwarmTypesTests", uses: ["SwarmTypes", "TestKit"]),
        tests("JSONScanningTests", uses: ["JSONScanning", "TestKit"]),
        tests("LimitPlanningTests", uses: ["LimitPlanning", "SwarmTypes", "TestKit"], exclude: ["Vectors"]),
        tests("AllocationSimulationTests", uses: ["LimitPlanning", "SwarmTypes", "TestKit"]),
        tests("EventIOTests", uses: ["EventIO", "SwarmTypes", "TestKit"]),
        tests("HTTPServingTests", uses: ["HTTPServing", "HTTPFetching", "EventIO", "TestKit"]),
        tests(
            "HTTPFetchingTests", uses: ["HTTPFetching", "HTTPServing", "EventIO", "SwarmTypes", "TestKit"]),
        tests("PatternMatchingTests", uses: ["PatternMatching", "TestKit"]),
        tests("DigestsTests", uses: ["Digests", "TestKit"]),
        tests("SQLiteStoreTests", uses: ["SQLiteStore", "TestKit"]),
        tests("ConfigFileTests", uses: ["ConfigFile", "TestKit"]),
        tests(
            "WeirSettingsTests",
            uses: ["WeirSettings", "ConfigFile", "LimitPlanning", "NoticePolicy", "SwarmTypes", "TestKit"],
            exclude: ["Samples"]),
        tests("PortMappingTests", uses: ["PortMapping", "EventIO", "SwarmTypes"]),
        tests("LogOutputTests", uses: ["LogOutput", "TestKit"]),
        tests(
            "QBittorrentAPITests",
            uses: ["QBittorrentAPI", "SwarmTypes", "HTTPFetching", "EventIO", "TestKit"]),
        tests("ChangeJournalTests", uses: ["ChangeJournal", "SQLiteStore", "SwarmTypes", "TestKit"]),
        tests(
            "UploadGovernorTests",
            uses: ["UploadGovernor", "LibraryPolicy", "LimitPlanning", "SwarmTypes", "TestKit"]),
        tests("JSONValuesTests", uses: ["JSONValues", "TestKit"]),
        tests(
            "ControlAPITests",
            uses: [
                "ControlAPI", "AccessControl", "JSONValues", "HTTPServing", "EventIO", "LimitPlanning",
                "StallDiagnosis", "SwarmTypes",
                "TorrentCatalog", "TestKit",
            ]),
        tests("DashboardTests", uses: ["Dashboard", "TestKit"]),
        tests("ByteCodingTests", uses: ["ByteCoding", "TestKit"]),
        tests("BencodeCodingTests", uses: ["BencodeCoding", "TestKit"]),
        tests(
            "MetainfoCodingTests",
            uses: ["MetainfoCoding", "BencodeCoding", "SwarmTypes", "Digests", "TestKit"]),
        tests(
            "PeerProtocolTests", uses: ["PeerProtocol", "BencodeCoding", "SwarmTypes", "Digests", "TestKit"]),
        tests("TrackerProtocolTests", uses: ["TrackerProtocol", "BencodeCoding", "SwarmTypes", "TestKit"]),
        tests("PieceSelectionTests", uses: ["PieceSelection", "SwarmTypes", "TestKit"]),
        tests("PeerPolicyTests", uses: ["PeerPolicy", "SwarmTypes", "TestKit"]),
        tests("RateControlTests", uses: ["RateControl", "SwarmTypes", "TestKit"]),
        tests("StallDiagnosisTests", uses: ["StallDiagnosis", "SwarmTypes", "TestKit"]),
        tests(
            "SwarmCoreTests",
            uses: [
                "SwarmCore", "PeerProtocol", "PeerPolicy", "PieceSelection", "StallDiagnosis", "SwarmTypes",
                "TrackerProtocol",
                "TestKit",
            ]),
        tests(
            "SwarmSimulationTests",
            uses: ["SwarmSimulator", "SwarmCore", "PeerProtocol", "StallDiagnosis", "SwarmTypes", "TestKit"]),
        tests(
            "TorrentStorageTests",
            uses: ["TorrentStorage", "MetainfoCoding", "Digests", "SwarmTypes", "EventIO", "TestKit"]),
        tests(
            "TorrentCreationTests",
            uses: ["TorrentCreation", "MetainfoCoding", "Digests", "SwarmTypes", "EventIO", "TestKit"]),
        tests(
            "TrackerClientTests",
            uses: [
                "TrackerClient", "TrackerProtocol", "HTTPServing", "HTTPFetching", "EventIO", "SwarmTypes",
                "TestKit",
            ]),
        tests(
            "TorrentEngineTests",
            uses: [
                "TorrentEngine", "TorrentStorage", "MetainfoCoding", "Digests", "StallDiagnosis",
                "SwarmTypes", "SwarmCore", "PeerPolicy", "PeerProtocol", "TrackerProtocol", "TrackerClient",
                "HTTPServing",
                "EventIO", "TestKit",
            ]),
        tests("LibraryPolicyTests", uses: ["LibraryPolicy", "SwarmTypes", "TestKit"]),
        tests(
            "TorrentLibraryTests",
            uses: [
                "TorrentLibrary", "TorrentCatalog", "TorrentEngine", "TorrentStorage", "SQLiteStore",
                "BencodeCoding", "EventIO", "SwarmTypes", "TestKit",
            ]),
        tests("NoticePolicyTests", uses: ["NoticePolicy", "JSONValues", "SwarmTypes", "TestKit"]),
        tests("TorrentCatalogTests", uses: ["TorrentCatalog", "SwarmTypes", "EventIO"]),
        tests(
            "QBittorrentFacadeTests",
            uses: [
                "QBittorrentFacade", "TorrentCatalog", "JSONValues", "HTTPServing", "StallDiagnosis",
                "SwarmTypes", "EventIO", "TestKit",
            ]),
        tests(
            "DatabaseBackupsTests",
            uses: [
                "DatabaseBackups", "SQLiteStore", "ChangeJournal", "AccessControl", "TorrentStorage",
                "TestKit",
            ]),
        tests("AccessControlTests", uses: ["AccessControl", "SwarmTypes", "EventIO", "TestKit"]),
        tests("CommandLineParsingTests", uses: ["CommandLineParsing", "TestKit"]),
    ],
    swiftLanguageModes: [.v6]
)

extension Target {
    /// Places a helper target of the tests outside `Sources/`.
    fileprivate func at(_ path: String) -> Target {
        self.path = path
        return self
    }
}

// Fuzzing, by `Fuzz/run.sh`: needs LLVM's libFuzzer, which only this environment variable asks for.
if Context.environment["FUZZ"] != nil {
    package.targets += [
        .target(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
        .executableTarget(
            name: "weir-fuzz",
            dependencies: [
                "CLibFuzzer", "SwarmTypes", "JSONScanning", "LimitPlanning", "HTTPFetching", "HTTPServing",
                "PatternMatching", "ConfigFile", "WeirSettings", "QBittorrentAPI", "ControlAPI", "JSONValues",
                "PeerProtocol",
                "TrackerProtocol",
                "BencodeCoding", "MetainfoCoding", "PeerProtocol", "TorrentStorage",
            ],
            path: "Fuzz", exclude: ["CLibFuzzer", "corpus", "crashes", "run.sh"],
            sources: ["Targets", "Driver"],
            swiftSettings: strict),
    ]
}
