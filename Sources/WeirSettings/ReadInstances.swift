import ConfigFile

/// Reads `qbittorrent`: one group of keys, or a list of them.
/// - Parameter mayBeNone: false where the file has sections that nobody knows, one of which may be a misspelt `qbittorrent`.
func readInstances(
    _ entry: ConfigEntry?, mayBeNone: Bool, _ reading: inout ConfigReading
) -> [InstanceSettings] {
    let variables = "\(Settings.variablePrefix)_QBITTORRENT_"
    // Neither the file nor the environment says anything of one: Weir has torrents of its own.
    guard
        !mayBeNone || entry != nil
            || reading.environment.variables.keys.contains(where: { $0.hasPrefix(variables) })
            || reading.flags.keys.contains(where: { $0.hasPrefix("qbittorrent.") })
    else { return [] }
    let nodes = instanceNodes(entry, &reading)
    guard !nodes.isEmpty else { return [] }
    let prefix = "\(Settings.variablePrefix)_QBITTORRENT"
    var instances: [InstanceSettings] = []
    /// Where each name was given first, by how it reads in a variable.
    var names: [String: String] = [:]
    for (index, node) in nodes.enumerated() {
        var instance = InstanceSettings()
        let isOnly = nodes.count == 1
        let scope = ConfigScope(
            path: isOnly ? "qbittorrent" : "qbittorrent[\(index)]",
            variablePrefix: isOnly ? prefix : "\(prefix)_\(variableWord(writtenName(node)))",
            position: node?.position ?? entry?.keyPosition ?? .start)
        reading.group(&instance, InstanceSettings.keys, node, scope)
        check(instance, scope, &reading)
        if instance.url != nil {
            // They say nothing then and are not printed: what is printed shall load back to the same.
            (instance.host, instance.port) = (InstanceSettings().host, InstanceSettings().port)
        }
        if let first = names.updateValue(instance.name, forKey: variableWord(instance.name)) {
            reading.report(
                ConfigProblem(
                    .duplicateName, at: reading.place(of: scope.path + ".name", else: scope.position),
                    key: scope.path + ".name",
                    "two instances are called \(instance.name)"
                        + (first == instance.name ? "" : " or nearly so (\(first))"),
                    remedy: "give each a name of its own; case and punctuation do not tell them apart"))
        }
        instances.append(instance)
    }
    return instances
}

/// One node for each instance; nil stands for one of which the file says nothing.
private func instanceNodes(_ entry: ConfigEntry?, _ reading: inout ConfigReading) -> [ConfigNode?] {
    guard let entry, !entry.value.isNull else { return [nil] }
    guard case .sequence(let items) = entry.value.content else { return [entry.value] }
    guard (1...maximumInstances).contains(items.count) else {
        reading.report(
            ConfigProblem(
                .wrongValue, at: reading.place(entry.value.position), key: "qbittorrent",
                found: "a list of \(items.count)", allowed: "1 to \(maximumInstances) instances"))
        return []
    }
    return items
}

private let maximumInstances = 1000

/// The name in the file, for the names of variables; `default` where there is none.
private func writtenName(_ node: ConfigNode?) -> String {
    guard case .mapping(let entries) = node?.content,
        case .scalar(let scalar) = entries.first(where: { $0.key == "name" })?.value.content
    else { return InstanceSettings.defaultName }
    return scalar.text
}

private func check(_ instance: InstanceSettings, _ scope: ConfigScope, _ reading: inout ConfigReading) {
    checkAddress(instance, scope, &reading)
    let path = scope.path
    if instance.apiKey != nil {
        let isBoth = instance.password != nil || instance.username != nil
        if isBoth, reading.origins["\(path).api_key"]?.isOverride != true {
            reading.report(
                ConfigProblem(
                    .conflict, at: reading.place(of: "\(path).api_key", else: scope.position),
                    key: "\(path).api_key",
                    "there is an api_key, and a username or password as well", remedy: "keep either"))
        }
        return
    }
    for (key, value) in [("username", instance.username), ("password", instance.password)]
    where value == nil && reading.environment.needsSecrets && !reading.hasError("\(path).\(key)") {
        let variable = scope.variablePrefix.map { ", or set \($0)_\(variableWord(key))" } ?? ""
        reading.report(
            ConfigProblem(
                .missing, at: reading.place(of: "\(path).\(key)", else: scope.position),
                key: "\(path).\(key)",
                "it is missing", allowed: "any text",
                remedy: "add \(key): …\(variable), or give an api_key in place of both"))
    }
}

/// An address is given one way: `url`, or `host` and `port`. A `url` from the environment stands in for either.
private func checkAddress(_ instance: InstanceSettings, _ scope: ConfigScope, _ reading: inout ConfigReading)
{
    let path = scope.path
    guard instance.url != nil || reading.hasError("\(path).url") else { return }
    guard let url = reading.origins["\(path).url"], url != .standard, !url.isOverride else { return }
    for key in ["host", "port"] {
        guard let origin = reading.origins["\(path).\(key)"], origin != .standard else { continue }
        reading.report(
            ConfigProblem(
                .conflict, at: reading.place(of: "\(path).\(key)", else: scope.position),
                key: "\(path).\(key)",
                "\(key) is given beside url", remedy: "keep url, or host and port"))
    }
}

extension ValueOrigin {
    fileprivate var isOverride: Bool {
        switch self {
        case .environment, .flag: true
        case .standard, .file: false
        }
    }
}
