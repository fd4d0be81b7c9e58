import EventIO
import QBittorrentAPI
import SwarmTypes
import UploadGovernor
import WeirSettings

/// What qBittorrent is told to run, before and after.
public struct HookChange: Hashable, Sendable {
    public enum Event: String, CaseIterable, Hashable, Sendable {
        case completed = "on completion"
        case added = "on addition"
    }

    public var instance: String
    public var event: Event
    /// Nil: nothing runs.
    public var before: String?
    public var after: String?
}

/// Puts the one safe command line into qBittorrent's preferences, or takes it out.
extension OneShot {
    /// The command line: it carries the hash and nothing else. Names and tracker URLs are chosen by strangers
    /// (a name with a `"` or `$(…)` in it has been run as a command elsewhere), and a URL holds the passkey.
    public func hookCommand(_ event: HookChange.Event) -> String {
        let name = event == .completed ? "complete" : "add"
        return "curl -fsS -m 5 -d event=\(name) --data-urlencode \"hash=%I\" \(self.daemonURL)/webhook"
    }

    /// What installing or removing would change. A command line that is not ours is never touched.
    /// - Returns: By instance; or why it cannot be read.
    public func hookChanges(installing: Bool) async -> [(
        instance: String, Result<[HookChange], ServiceFailure>
    )] {
        var results: [(instance: String, Result<[HookChange], ServiceFailure>)] = []
        for (settings, instance) in await self.clients() {
            do throws(ClientProblem) {
                let preferences = try await instance.preferences()
                var changes: [HookChange] = []
                for event in HookChange.Event.allCases {
                    let present = event == .completed ? preferences.onCompletion : preferences.onAddition
                    guard let present else { continue }
                    let before = present.isEnabled ? present.commandLine : nil
                    let isOurs = before?.holds("/webhook") ?? false
                    if installing, let before, !isOurs, !before.isEmpty {
                        results.append(
                            (
                                settings.name,
                                .failure(
                                    .refused(
                                        "it already runs a program \(event.rawValue), which Weir does not replace: \(before)"
                                    ))
                            ))
                        continue
                    }
                    let after = installing ? self.hookCommand(event) : nil
                    guard installing ? before != after : isOurs else { continue }
                    changes.append(
                        HookChange(instance: settings.name, event: event, before: before, after: after))
                }
                results.append((settings.name, .success(changes)))
            } catch {
                results.append((settings.name, .failure(.unreachable(error.message))))
            }
        }
        return results
    }

    /// Carries changes out. Nil when all of it worked.
    public func apply(_ changes: [HookChange]) async -> ServiceFailure? {
        for (settings, instance) in await self.clients() {
            let own = changes.filter { $0.instance == settings.name }
            guard !own.isEmpty else { continue }
            func autorun(_ event: HookChange.Event) -> Autorun? {
                own.first { $0.event == event }.map {
                    Autorun(isEnabled: $0.after != nil, commandLine: $0.after ?? "")
                }
            }
            do throws(ClientProblem) {
                try await instance.setAutorun(
                    onCompletion: autorun(.completed), onAddition: autorun(.added))
            } catch {
                return .unreachable("\(settings.name): \(error.message)")
            }
        }
        return nil
    }
}
