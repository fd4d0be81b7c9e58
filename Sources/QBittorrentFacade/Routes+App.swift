import HTTPServing
import JSONValues
import TorrentCatalog

/// The application itself, and what qBittorrent has and Weir has not.
let applicationRoutes: [FacadeRoute] = [
    .read("app/version") { _ in .text(QBittorrentFacade.version) },
    .read("app/webapiVersion") { _ in .text(QBittorrentFacade.apiVersion) },
    .read("app/buildInfo") { _ in
        .json {
            $0.object {
                $0.member("bitness", Int.bitWidth)
                $0.member("platform", "linux")
                // Clients show these; none of the libraries is here.
                $0.member("libtorrent", "Weir")
                for library in ["boost", "openssl", "qt", "zlib"] { $0.member(library, "none") }
            }
        }
    },
    .read("app/defaultSavePath") { call in .text(call.directing.mirror.state.preferences.directory) },
    .read("app/preferences") { call in
        let preferences = call.directing.mirror.state.preferences
        return .json { $0.object { $0.members(preferenceFields, of: preferences) } }
    },
    .set("app/setPreferences") { call async throws(FacadeRefusal) in
        let change = try PreferencesChange(try call.text("json"))
        return try await call.preferring { preferences throws(CatalogFailure) in
            if let refusal = change.apply(to: &preferences) { throw .invalid(refusal) }
        }
    },
    .read("app/networkInterfaceList") { _ in .json { $0.array { _ in } } },
    .read("app/networkInterfaceAddressList") { _ in .json { $0.array { _ in } } },
    .read("app/cookies") { _ in .json { $0.array { _ in } } },
    // A daemon is stopped by whoever started it.
    .set("app/shutdown") { _ throws(FacadeRefusal) in
        throw FacadeRefusal(403, "Weir is stopped by the system that runs it")
    },
    .read("log/main") { _ in .json { $0.array { _ in } } },
    .read("log/peers") { _ in .json { $0.array { _ in } } },
    // RSS, searching and creating are off.
    .read("rss/items") { _ in .json { $0.object { _ in } } },
    .read("rss/rules") { _ in .json { $0.object { _ in } } },
    .read("rss/matchingArticles") { _ in .json { $0.object { _ in } } },
    .read("search/plugins") { _ in .json { $0.array { _ in } } },
    .read("search/status") { _ in .json { $0.array { _ in } } },
    .read("torrentcreator/status") { _ in .json { $0.array { _ in } } },
]

let facadeTable: [FacadeRoute] =
    applicationRoutes + sessionRoutes + torrentReadings + torrentCommands + torrentChanges
