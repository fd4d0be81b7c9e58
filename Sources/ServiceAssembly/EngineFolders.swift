import WeirSettings

/// The folder of what Weir remembers of its own torrents: as set, the service's, or the user's (XDG).
func stateDirectory(_ settings: Settings, _ variables: [String: String]) -> String {
    if let folder = settings.engine.state { return folder }
    if let folders = variables["STATE_DIRECTORY"], let first = folders.split(separator: ":").first {
        return String(first)
    }
    if let folder = variables["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder + "/weir" }
    return (variables["HOME"] ?? ".") + "/.local/state/weir"
}

/// Where downloads go that name no folder.
func downloadDirectory(_ settings: Settings, _ variables: [String: String]) -> String {
    if let folder = settings.engine.directory { return folder }
    if let folder = variables["XDG_DOWNLOAD_DIR"], folder.hasPrefix("/") { return folder }
    guard let home = variables["HOME"], home != "/" else {
        return stateDirectory(settings, variables) + "/downloads"
    }
    return home + "/Downloads"
}
