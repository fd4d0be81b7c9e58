public import SQLiteStore

/// Why the record of torrents could not be opened, read or written.
public struct ResumeFailure: Error, Hashable, Sendable {
    public var store: StoreFailure

    /// What its owner can do about it.
    public enum Kind: Hashable, Sendable {
        /// Another process has it open; its number where it could be learnt.
        case inUse(by: Int32?)
        /// It is not, or not whole, what Weir writes.
        case damaged
        /// It may work another time.
        case notNow
    }

    public var kind: Kind {
        switch self.store.reason {
        case .locked(let process): .inUse(by: process)
        case .notADatabase, .foreign, .damaged, .newerSchema, .logMissing, .restoreInterrupted: .damaged
        case .cannotOpen, .full, .readOnly, .other: .notNow
        }
    }

    /// A stable name for surfaces and logs.
    public var code: String { self.store.code }
}

extension ResumeFailure: CustomStringConvertible {
    public var description: String {
        switch self.store.reason {
        case .damaged(let detail):
            """
            the record of torrents \(self.store.path) is damaged (\(detail)). It is left as it is, and so are the \
            torrents' files. Restore a backup (`weir db restore` has those of `weir serve`), or move it away and add the \
            torrents again: a check finds what is there.
            """
        case .full:
            "no space left to record the torrents' progress in \(self.store.path); what was fetched stays. Free some space."
        default: self.store.description
        }
    }
}
