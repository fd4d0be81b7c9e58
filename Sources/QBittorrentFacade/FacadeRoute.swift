import HTTPServing
import TorrentCatalog

/// One row of the facade's table, by scope and action such as "torrents/info".
struct FacadeRoute: Sendable {
    typealias Now = @Sendable (FacadeCall) throws(FacadeRefusal) -> HTTPResponse
    typealias Later = @Sendable (FacadeCall) async throws(FacadeRefusal) -> HTTPResponse

    enum Run: Sendable {
        case now(Now)
        case later(Later)
    }

    var name: String
    /// Only by POST, because it changes something.
    var isSetter: Bool
    /// Without having logged in.
    var isOpen = false
    var run: Run

    static func read(_ name: String, _ run: @escaping Now) -> FacadeRoute {
        FacadeRoute(name: name, isSetter: false, run: .now(run))
    }

    /// For what takes long to put together, or asks the engine.
    static func ask(_ name: String, _ run: @escaping Later) -> FacadeRoute {
        FacadeRoute(name: name, isSetter: false, run: .later(run))
    }

    static func set(_ name: String, _ run: @escaping Later) -> FacadeRoute {
        FacadeRoute(name: name, isSetter: true, run: .later(run))
    }

    /// A setter that asks one thing of many torrents, and answers 200 whatever they are.
    static func command(
        _ name: String, _ command: @escaping @Sendable (FacadeCall) throws(FacadeRefusal) -> TorrentCommand
    ) -> FacadeRoute {
        .set(name) { call async throws(FacadeRefusal) in
            try await call.perform(try command(call), on: try call.targets())
            return .done
        }
    }
}

extension FacadeCall {
    /// Lets the library do it, and answers in the facade's words when it refuses.
    @discardableResult
    func perform(_ command: TorrentCommand, on targets: TorrentTargets) async throws(FacadeRefusal)
        -> HTTPResponse
    {
        try await self.asking { directing async throws(CatalogFailure) in
            try await directing.perform(command, on: targets)
        }
        return .done
    }

    @discardableResult
    func asking<Result: Sendable>(
        _ body: (any TorrentDirecting) async throws(CatalogFailure) -> Result
    ) async throws(FacadeRefusal) -> Result {
        do throws(CatalogFailure) {
            return try await body(self.directing)
        } catch {
            throw FacadeRefusal(error)
        }
    }
}
