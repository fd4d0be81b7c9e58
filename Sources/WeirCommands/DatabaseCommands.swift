import CommandLineParsing
import DatabaseBackups
import JSONValues
import ServiceAssembly
import WeirSettings

private let sessionOption = OptionSpec.value(
    "session", nil, "FOLDER", "What `weir seed --session` keeps there, and not the configuration's",
    completion: .files)

let databaseBackupCommand = Command(
    spec: CommandSpec(
        "backup", "Copy all databases of the configuration into a new folder",
        details: [
            "Works with and without a running Weir. The folder is a whole backup, read again and durable, or it is not there. It holds passwords' hashes and announce URLs: its owner alone may read it. The configuration itself is not in it.",
            "Without FOLDER: weir-backup-DATE-TIME in the working directory.",
        ],
        options: [CommonOption.config, CommonOption.state, sessionOption, CommonOption.json],
        arguments: [ArgumentSpec("FOLDER", "Where the backup goes", isOptional: true, completion: .files)],
        examples: [
            CommandExample("weir db backup /mnt/backups/weir-monday", "Back up what is in use"),
            CommandExample(
                "weir db backup --session ~/seeds /mnt/backups/seeds", "Back up a session of `weir seed`"),
        ])
) { invocation throws(ServiceFailure) in
    let upkeep = try invocation.databaseUpkeep()
    let (folder, manifest) = try upkeep.backUp(to: invocation.parsed.arguments.first)
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member("folder", folder)
            write(manifest, to: &json)
        }
    } else {
        let parts = manifest.databases.map { "\($0.name) \(sizeText($0.byteCount))" }
        invocation.output.print("\(plain(folder)): \(parts.joined(separator: ", "))")
    }
    return .done
}

let databaseRestoreCommand = Command(
    spec: CommandSpec(
        "restore", "Put the databases of a backup in the place of the present ones",
        details: [
            "Proves the whole backup before it touches anything, and refuses while a Weir runs. The present databases stay beside the new ones, as FILE.before-DATE-TIME. When it is interrupted, no Weir starts on what is half done: run it again.",
            "With --check it only says whether the backup is whole.",
        ],
        options: [
            CommonOption.config, CommonOption.state, sessionOption, CommonOption.json, CommonOption.yes,
            .flag("check", nil, "Only prove the backup, and change nothing"),
        ],
        arguments: [ArgumentSpec("FOLDER", "A backup that `weir db backup` made", completion: .files)],
        examples: [CommandExample("weir db restore /mnt/backups/weir-monday", "Go back to that backup")])
) { invocation throws(ServiceFailure) in
    let upkeep = try invocation.databaseUpkeep()
    let folder = invocation.parsed.arguments.first ?? ""
    let manifest = try upkeep.verify(folder)
    if invocation.parsed.has("check") {
        if invocation.wantsJSON {
            invocation.output.printJSON { write(manifest, to: &$0) }
        } else {
            let names = manifest.databases.map(\.name).joined(separator: ", ")
            invocation.output.print(
                "\(plain(folder)) is whole: \(names), by Weir \(plain(manifest.weirVersion))")
        }
        return .done
    }
    guard
        invocation.parsed.has("yes")
            || invocation.output.confirms(
                "Put \(manifest.databases.map(\.name).joined(separator: ", ")) of this backup in the place of the present ones?"
            )
    else { return .refused }
    let outcome = try upkeep.restore(folder)
    if invocation.wantsJSON {
        invocation.output.printJSON { outcome.write(to: &$0) }
    } else {
        outcome.tell(invocation.output)
    }
    return .done
}

let databaseCheckCommand = Command(
    spec: CommandSpec(
        "check", "Read all databases of the configuration, and say whether they are whole",
        details: [
            "Works with and without a running Weir, and changes nothing. Exits with 0 when all are whole (or not made yet), with 65 when one is damaged, of a newer Weir or of another program, and with 1 when one cannot be read."
        ],
        options: [CommonOption.config, CommonOption.state, sessionOption, CommonOption.json])
) { invocation throws(ServiceFailure) in
    let checks = try invocation.databaseUpkeep().check()
    if invocation.wantsJSON {
        invocation.output.printJSON { json in
            json.member("databases", array: { json in for check in checks { check.write(to: &json) } })
        }
    } else {
        for check in checks { check.tell(invocation.output) }
    }
    let codes = checks.compactMap(\.exitCode)
    return codes.contains(.badInput) ? .badInput : codes.first ?? .done
}

extension Invocation {
    fileprivate func databaseUpkeep() throws(ServiceFailure) -> DatabaseUpkeep {
        if let folder = self.parsed.value("session") { return DatabaseUpkeep(session: folder) }
        let source = self.serviceSource(needsSecrets: false)
        return DatabaseUpkeep(try source.load().settings, source: source)
    }
}

private func write(_ manifest: BackupManifest, to json: inout JSONWriter) {
    json.member("weir_version", manifest.weirVersion)
    json.member("created_at", manifest.createdAt)
    json.member(
        "databases",
        array: { json in
            for entry in manifest.databases {
                json.object { json in
                    json.member("name", entry.name)
                    json.member("bytes", entry.byteCount)
                    json.member("schema_version", entry.schemaVersion)
                    json.member("sha256", entry.sha256)
                }
            }
        })
}

extension BackupRestoring.Outcome {
    fileprivate func write(to json: inout JSONWriter) {
        json.member(
            "restored",
            array: { json in
                for replacement in self.replaced {
                    json.object { json in
                        json.member("name", replacement.name)
                        json.member("path", replacement.path)
                        json.member("kept_as", replacement.old)
                    }
                }
            })
        json.member("left_out", self.leftOut)
        json.member("untouched", self.untouched)
    }

    fileprivate func tell(_ output: Output) {
        let isSession = self.replaced.contains { $0.name == "session" }
        for replacement in self.replaced {
            let old = replacement.old.map { "; the one of before is \(plain($0))" } ?? ""
            output.print("\(replacement.name): \(plain(replacement.path))\(old)")
        }
        for name in self.leftOut { output.say("\(name): left out, this configuration does not use it") }
        for name in self.untouched { output.say("\(name): as it was, the backup does not have it") }
        output.say(
            isSession
                ? "Next: `weir seed --session` goes on with these torrents."
                : "Next: `weir plan` shows what Weir would change at the clients, `weir serve` goes on.")
        if self.replaced.contains(where: { $0.name == "journal" }) {
            output.say(
                "Torrents that Weir first limited after the backup count as limited by you: see the user guide."
            )
        }
        if isSession || self.replaced.contains(where: { $0.name == "library" }) {
            output.say(
                "Torrents that moved on after the backup: stop them and recheck them, or let Weir find it out."
            )
        }
        if self.replaced.contains(where: { $0.name == "access" }) {
            output.say(
                "Users and keys are those of the backup: revoke again what was revoked since (`weir key list`)."
            )
        }
    }
}

extension DatabaseCheck {
    fileprivate var exitCode: ExitCode? {
        guard case .refused(_, _, let isUnreadable) = self.verdict else { return nil }
        return isUnreadable ? .failed : .badInput
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", self.database.name)
            json.member("path", self.database.path)
            switch self.verdict {
            case .whole(let schema):
                json.member("verdict", "whole")
                json.member("schema_version", schema)
            case .absent: json.member("verdict", "absent")
            case .refused(let code, let problem, _):
                json.member("verdict", code)
                json.member("problem", problem)
            }
        }
    }

    fileprivate func tell(_ output: Output) {
        switch self.verdict {
        case .whole(let schema):
            let newest = schema == self.database.schemaVersion ? "" : ", the next start brings it up to date"
            output.print(
                "ok       \(self.database.name): \(plain(self.database.path)) (schema \(schema)\(newest))")
        case .absent:
            output.print(
                "ok       \(self.database.name): \(plain(self.database.path)) will be made at the first start"
            )
        case .refused(_, let problem, _): output.print("PROBLEM  \(self.database.name): \(plain(problem))")
        }
    }
}
