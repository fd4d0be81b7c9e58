import LogOutput
import WeirSettings

extension LogOutput.LogLevel {
    init(_ level: WeirSettings.LogLevel) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error, .critical: self = .error
        }
    }
}

extension LogOutput.LogFormat {
    init(_ format: WeirSettings.LogFormat) { self = format == .json ? .json : .text }
}

extension LogFileSettings {
    init?(_ settings: LoggingSettings) {
        guard let path = settings.file else { return nil }
        self.init(
            path: path, maximumMegabytes: settings.maximumMegabytes, backupCount: settings.backups)
    }
}

extension Logger {
    /// Follows a change of the configuration.
    func reconfigure(_ settings: LoggingSettings) {
        self.level = LogOutput.LogLevel(settings.level)
        self.use(format: LogOutput.LogFormat(settings.format), file: LogFileSettings(settings))
    }
}

func makeLogger(_ settings: LoggingSettings) -> Logger {
    Logger(
        level: LogOutput.LogLevel(settings.level), format: LogOutput.LogFormat(settings.format),
        file: LogFileSettings(settings))
}

/// For commands that speak for themselves.
func quietLogger() -> Logger { Logger(level: .error, console: nil) }
