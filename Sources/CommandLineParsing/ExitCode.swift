/// What a command says to the shell. Part of the interface: scripts compare these.
public enum ExitCode: Int32, CaseIterable, Hashable, Sendable {
    case done = 0
    case failed = 1
    /// Some of what was asked for was done, and some was not.
    case partlyApplied = 3
    /// The command line is wrong.
    case usage = 64
    /// An input file is damaged or not what it should be.
    case badInput = 65
    /// Nobody answers there.
    case unreachable = 69
    /// It may work in a moment.
    case tryAgain = 75
    /// The other side, or the user, said no: wrong credentials, or a question answered with no.
    case refused = 77
    /// The configuration is wrong.
    case badConfiguration = 78

    /// For help and manual.
    public var meaning: String {
        switch self {
        case .done: "done"
        case .failed: "failed"
        case .partlyApplied: "partly applied"
        case .usage: "the command line is wrong"
        case .badInput: "an input file is damaged or not what it should be"
        case .unreachable: "nobody answers: qBittorrent, the service or a session"
        case .tryAgain: "busy; try again"
        case .refused: "refused: wrong credentials, or not confirmed"
        case .badConfiguration: "the configuration is wrong"
        }
    }
}
