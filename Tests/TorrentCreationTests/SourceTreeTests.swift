import TestKit
import Testing

@testable import TorrentCreation
