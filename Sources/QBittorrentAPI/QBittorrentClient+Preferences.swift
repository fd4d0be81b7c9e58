import JSONScanning
public import SwarmTypes

/// A program that qBittorrent runs by itself.
public struct Autorun: Hashable, Sendable {
    public var isEnabled: Bool
    public var commandLine: String

    public init(isEnabled: Bool, commandLine: String) {
        self.isEnabled = isEnabled
        self.commandLine = commandLine
    }
}

/// The preferences that matter to a governor. Nil where the version does not have one.
public struct Preferences: Hashable, Sendable {
    /// Of the normal mode; qBittorrent keeps whole KiB/s.
    public var globalUploadLimit: UploadLimit
    /// Whether protocol overhead counts in limits.
    public var limitsIncludeOverhead: Bool?
    /// False: peers in the local network escape every limit.
    public var limitsLocalPeers: Bool?
    /// False: µTP connections escape every limit.
    public var limitsUTP: Bool?
    public var refreshIntervalMilliseconds: Int64?
    public var onCompletion: Autorun?
    /// From 4.5.
    public var onAddition: Autorun?
}

public struct TransferInfo: Hashable, Sendable {
    public var uploadRate: ByteRate
    /// Payload bytes since qBittorrent started.
    public var uploadedThisSession: Int64
    /// Of the mode that is on, normal or alternative.
    public var globalUploadLimit: UploadLimit
}

extension QBittorrentClient {
    public func preferences() async throws(ClientFailure) -> Preferences {
        await self.turn.take()
        defer { self.turn.give() }
        let row = try await self.row(
            .preferences,
            [
                "up_limit", "limit_tcp_overhead", "limit_lan_peers", "limit_utp_rate", "refresh_interval",
                "autorun_enabled", "autorun_program", "autorun_on_torrent_added_enabled",
                "autorun_on_torrent_added_program",
            ])
        guard let limit = row.number(0) else {
            throw .malformedAnswer(endpoint: .preferences, "there is no up_limit")
        }
        func autorun(_ enabled: Int, _ program: Int) -> Autorun? {
            guard let isEnabled = row.bool(enabled), let line = row.string(program) else { return nil }
            return Autorun(isEnabled: isEnabled, commandLine: line)
        }
        return Preferences(
            globalUploadLimit: LimitSpelling.limit(from: limit), limitsIncludeOverhead: row.bool(1),
            limitsLocalPeers: row.bool(2), limitsUTP: row.bool(3), refreshIntervalMilliseconds: row.number(4),
            onCompletion: autorun(5, 6), onAddition: autorun(7, 8))
    }

    /// Changes what qBittorrent runs on completion and on addition; nil leaves one as it is.
    public func setAutorun(onCompletion: Autorun? = nil, onAddition: Autorun? = nil)
        async throws(ClientFailure)
    {
        var members: [String] = []
        for (autorun, name) in [(onCompletion, "autorun"), (onAddition, "autorun_on_torrent_added")] {
            guard let autorun else { continue }
            members.append("\"\(name)_enabled\":\(autorun.isEnabled)")
            members.append("\"\(name)_program\":\(quoted(autorun.commandLine))")
        }
        guard !members.isEmpty else { return }
        await self.turn.take()
        defer { self.turn.give() }
        var form = FormBody()
        form.append("json", "{\(members.joined(separator: ","))}")
        try self.session.check(try await self.session.call(.setPreferences, form: form), of: .setPreferences)
    }

    public func transferInfo() async throws(ClientFailure) -> TransferInfo {
        await self.turn.take()
        defer { self.turn.give() }
        return try await self.readTransferInfo()
    }

    func readTransferInfo() async throws(ClientFailure) -> TransferInfo {
        let row = try await self.row(.transfer, ["up_info_speed", "up_info_data", "up_rate_limit"])
        guard let rate = row.number(0), let uploaded = row.number(1), let limit = row.number(2) else {
            throw .malformedAnswer(endpoint: .transfer, "the upload figures are missing")
        }
        return TransferInfo(
            uploadRate: ByteRate(bytesPerSecond: rate), uploadedThisSession: uploaded,
            globalUploadLimit: LimitSpelling.limit(from: limit))
    }

    private func row(_ endpoint: Endpoint, _ fields: [String]) async throws(ClientFailure) -> ScannedRow {
        guard
            let row = try await self.session.read(endpoint, .row(FieldSet(fields)), RowCollector()).rows.first
        else { throw .malformedAnswer(endpoint: endpoint, "there is nothing in it") }
        return row
    }
}

/// A JSON string (RFC 8259, section 7).
private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\0"..<" ":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
