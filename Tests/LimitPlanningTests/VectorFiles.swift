import Foundation
import LimitPlanning
import SwarmTypes
import Testing

private struct VectorFile<Case: Decodable>: Decodable {
    var cases: [Case]
}

/// The cases of one file in `Vectors/`; what they mean is in each file's `format`.
func vectorCases<Case: Decodable>(_ file: String, as type: Case.Type = Case.self) throws -> [Case] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Vectors/\(file).json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode(VectorFile<Case>.self, from: data).cases
    try #require(!cases.isEmpty)
    return cases
}

/// A torrent's key from its place in a case, so that the order of the keys is that of the case.
func key(_ index: Int) -> TorrentKey {
    let bytes = (0..<20).map { place in
        place < 18 ? 7 : UInt8(truncatingIfNeeded: index >> (8 * (19 - place)))
    }
    guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an ID") }
    return TorrentKey(instance: InstanceIndex(0), id: id)
}

func rate(_ bytesPerSecond: Int64) -> ByteRate { ByteRate(bytesPerSecond: bytesPerSecond) }

/// The foreign spellings of "unlimited" in the files.
func limit(_ value: Int64) -> UploadLimit { value <= 0 ? .unlimited : .bytesPerSecond(value) }

/// A plan's outcome as the client then has it: torrent by torrent, in the order of the input.
func limits(of input: PlanningInput, after plan: Plan) -> [UploadLimit] {
    let changed = Dictionary(uniqueKeysWithValues: plan.changes.map { ($0.key, $0.to) })
    return input.torrents.map { changed[$0.key] ?? $0.limit }
}

func carriedOut(_ plan: Plan, on input: PlanningInput) -> PlanningInput {
    var result = input
    for (index, limit) in limits(of: input, after: plan).enumerated() { result.torrents[index].limit = limit }
    return result
}

func instant(_ seconds: Double) -> Instant {
    Instant(nanoseconds: 1_000_000_000).advanced(bySeconds: seconds)
}
